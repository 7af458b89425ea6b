/* Addresses while one types: a combobox as the ARIA practices describe it. Without the network it is a plain field. */
const PAUSE_MS = 160, FEWEST = 3;

export function finding(input, { search, chosen, edited }) {
  const list = Object.assign(document.createElement("ul"), { id: "where-list", className: "listed", hidden: true });
  const says = Object.assign(document.createElement("span"), { className: "visually-hidden" });
  says.setAttribute("role", "status");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0].textContent);
  const box = Object.assign(document.createElement("div"), { className: "combobox" });
  input.before(box);
  box.append(input, list, says);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
  let found = [], here = -1, timer, asked = 0;

  const show = (places) => {
    found = places;
    here = -1;
    list.replaceChildren(...places.map(({ text }, n) => {
      const one = Object.assign(document.createElement("li"), { id: `where-${n}`, textContent: text });
      one.setAttribute("role", "option");
      one.setAttribute("aria-selected", "false");
      one.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps its focus
      one.addEventListener("click", () => choose(n));
      return one;
    }));
    list.hidden = !places.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
  };
  const go = (to) => {
    list.children[here]?.setAttribute("aria-selected", "false");
    here = (to + found.length) % found.length;
    list.children[here].setAttribute("aria-selected", "true");
    list.children[here].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `where-${here}`);
  };
  const choose = (n) => {
    const one = found[n];
    asked += 1;
    input.value = one.text;
    show([]);
    says.textContent = "";
    chosen(one);
  };
  const look = async () => {
    const text = input.value.trim(), mine = ++asked;
    if (text.length < FEWEST) return show([]);
    const told = await fetch(`${search}?${new URLSearchParams({ text })}`).then((answer) => answer.json()).catch(() => null);
    if (mine !== asked || document.activeElement !== input) return;
    show(told?.found ?? []);
    if (told) says.textContent = found.length ? `${found.length} ${input.dataset.listed}` : input.dataset.none;
  };

  input.addEventListener("input", () => {
    edited();
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && found.length) show([]);
    else if (event.key === "Enter" && here >= 0 && found.length) choose(here);
    else if (event.key === "ArrowDown" && found.length) go(here + 1);
    else if (event.key === "ArrowUp" && found.length) go(here < 0 ? -1 : here - 1);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    asked += 1;
    show([]);
  });
}
