"""The linter's rules: ways in which words fail a customer, in English and German, by meaning and not by one phrase.

Errors are those that ask the customer to do, to doubt or to buy something; the rest warns. From published research and
from reading apologies; each rule says what to write instead.
"""
# ruff: noqa: E501  (patterns are read as a whole)

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


class Wording:
    """Any of these patterns; compiled when words are first looked through, which takes longer than all the rest."""

    def __init__(self, *patterns: str) -> None:
        self._patterns = patterns

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in self._patterns), re.IGNORECASE)


@dataclass(frozen=True)
class Rule:
    """One way in which words fail a customer. `unless` looks at the words of the same sentence before the match."""

    name: str
    severity: str
    wording: Wording
    hint: str
    unless: Wording | None = None


def _rule(name: str, severity: str, hint: str, *patterns: str, unless: Wording | None = None) -> Rule:
    return Rule(name, severity, Wording(*patterns), hint, unless)


# Inside a sentence; `.` within a number or an address does not end one (see lint.flowing, which marks paragraphs).
def _near(most: int) -> str:
    return rf"(?:[^.!?\n]|\.(?=\d)){{0,{most}}}?"


MAY = r"(?:may|might|could|can)(?: also| possibly| potentially| well)*"
SOME = (
    r"(?:some|certain|several|a few|a (?:very |relatively )?(?:small|limited|tiny) (?:number|group|portion|percentage|"
    r"fraction|subset|proportion)|a (?:number|subset|portion|percentage|fraction|handful|minority))"
)
PEOPLE = (
    r"(?:of )?(?:our |you |your |the )?(?:users?|customers?|subscribers?|members?|viewers?|people|accounts?|guests?|"
    r"clients?|residents?|travell?ers?|passengers?|households?|visitors?|shoppers?|players?)"
)
LIVED = r"(?:experienc\w+|notic\w+|encounter\w*|suffer\w*|fac(?:e|ed|ing)|s(?:ee|aw|een)|felt|report\w*|had|have)"
TROUBLE = (
    r"(?:inconvenien\w+|troubles?|problems?|issues?|disruptions?|frustrations?|confusion|delays?|distress|concerns?|"
    r"errors?|interruptions?|difficult\w+|buffering|disturbance|upset|discomfort|hardship|impact)"
)
GOODS = (
    r"(?:refunds?|credits?|compensation|vouchers?|codes?|coupons?|money|reimbursements?|discounts?|bonus\w*|gifts?|"
    r"points|rewards?|offers?|free [a-z]+|payments?|rebates?|goodwill|data)"
)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}|{MONTH} \d{{1,2}}|\d{{4}}-\d\d|\d{{1,2}}[./]\d{{1,2}}\b|"
    r"the end of|(?:mon|tues|wednes|thurs|fri|satur|sun)day|midnight|tomorrow|next )"
)
SPAN = r"(?:within|in) (?:the next |the following )?(?:\d+|two|three|five|seven|ten|fourteen|thirty|sixty|ninety)"
NOT_ASKED = Wording(
    r"\b(?:no(?! later)|nothing|not(?! (?:forget|miss|hesitate|yet))|nobody|never(?! forget)|neither|without|nor|"
    r"(?:do|does|wo|need)n't(?! (?:forget|miss|hesitate)))\b(?:[^.!?\n,;:–—]|, (?=or|and|nor)){0,60}$",
    r"\b(?:we|I)(?:'ve|'ll| have| will| already| also| did| do| can| \w+ly)*(?: not)? ?$",
    r"\b(?:nichts?|kein\w*|ohne|weder|nie)\b(?:[^.!?\n;:–—]){0,60}$",
)

ERRORS: tuple[Rule, ...] = (
    _rule(
        "conditional-impact",
        "error",
        "say what happened to this customer; where you cannot know, say that, and give the remedy anyway",
        rf"\b(?:you|your [a-z',/ -]{{1,90}}?) {MAY} have (?:been|{LIVED}|lost|missed|found|received|noticed|not )",
        rf"\b(?:you|your [a-z',/ -]{{1,90}}?) {MAY} be (?:affected|impacted|experiencing|seeing|having|among|missing)",
        rf"\byou {MAY} (?:experience|notice|encounter|see (?:some|an?|intermittent|errors?|issues?))\b",
        rf"\b(?:{SOME} )?{PEOPLE} (?:(?:in|on|with|from|near) (?:\w+ ){{1,3}}?)?{MAY} (?:have|be|experience|see|notice|encounter|find)\b",
        rf"\b(?:anyone|those|everyone|whoever|people) (?:who|that) {MAY} (?:have|be)\b",
        rf"\b{SOME} {PEOPLE} (?:were|was|are|have|had|{LIVED})\b",
        r"\b(?:if|in case|should) (?:you|your \w+|this|it|the \w+) (?:were|was|are|is|have been|has|had been|happen\w*|"
        rf"think you (?:were|are)|believe you (?:were|are)|{LIVED}|did not|didn't|could not|couldn't)\b"
        rf"{_near(40)}\b(?:affect|impact|among|issue|problem|error|trouble|buffer|interrupt|outage|disrupt|notic|delay|you\b)",
        r"\b(?:potentially|possibly|perhaps) (?:affected|impacted|experienc\w+)\b",
        rf"\bSie (?:könnten|dürften|haben (?:möglicherweise|vielleicht|eventuell)|waren (?:möglicherweise|vielleicht))\b"
        rf"{_near(70)}\b(?:betroffen|bemerkt|erlebt|festgestellt|erfahren|gehabt|gespürt)",
        rf"\b(?:möglicherweise|eventuell|unter Umständen|vielleicht|gegebenenfalls)\b{_near(70)}"
        r"\b(?:betroffen|bemerkt|erlebt|festgestellt|erfahren|gehabt)",
        r"\b(?:Kund\w+|Nutzer\w*|Zuschauer\w*)\b (?:könnten|dürften)\b|\b(?:vereinzelt|könnten) (?:\w+ )?(?:Kund\w+|Nutzer\w*|Zuschauer\w*)",
        r"\b(?:einige[nr]?|manche[nr]?|einzelne[nr]?|bestimmte[nr]?|wenige[nr]?|ein (?:kleiner )?Teil) (?:unserer |der )?"
        r"(?:Kund\w+|Nutzer\w*|Zuschauer\w*|Gäste\w*|Mitglieder\w*|Haushalte\w*)",
        rf"\b(?:falls|wenn|sollten|sofern) (?:auch )?(?:Sie|bei Ihnen|dies|es|Ihr\w*)\b{_near(40)}"
        r"\b(?:betroffen|Problem\w*|Störung\w*|beeinträchtigt|Fehler)",
    ),
    _rule(
        "conditional-apology",
        "error",
        "apologise for what happened, without if or any",
        r"\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies)|regret)\b[^.!?;\n]{0,40}?\b(?:if|in case|should)\b"
        r"(?! (?:you (?:want|wish|need|would|'d|like|prefer|have (?:any )?questions?)|you'd|there is anything|we can))",
        rf"\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies))\b{_near(25)}\b(?:for|about) any\b",
        rf"\bregret any\b|\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies)|regret)\b{_near(45)}\bany (?:such )?(?:inconvenience)",
        rf"\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies)|regret)\b{_near(80)}\b(?:may|might|could) (?:have|be|cause)\b",
        rf"\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies))\b{_near(20)}\bto (?:anyone|those|customers|users) who {MAY}\b",
        rf"\bif\b{_near(60)}, (?:then )?(?:we|I)(?:'re| are|'m| am)? (?:truly |very |deeply |sincerely )*(?:sorry|apologi)",
        rf"\b(?:entschuldig\w+|bedauern|tut (?:es )?uns (?:sehr |aufrichtig )?leid|um Verzeihung)\b{_near(50)}"
        r"\b(?:falls|sollte\w*|etwaige\w*|eventuelle\w*|mögliche\w*|wenn es)\b",
        r"\b(?:etwaige|eventuelle|mögliche|allfällige)[nr]? (?:Unannehmlichkeit|Störung|Umständ|Beeinträchtigung)\w*",
        rf"\b(?:falls|sollte\w*)\b{_near(60)}\b(?:tut (?:es |uns |dies |das )*leid|bitten wir um Entschuldigung|"
        r"entschuldigen wir)",
    ),
    _rule(
        "claim-burden",
        "error",
        "apply the remedy yourself and say that it is done",
        r"\b(?:claim|redeem|activate)(?:ing|ed)?\b(?: (?:it|them|now|here|online|your|this|the|a|an|yours|free|my)\b|"
        rf" (?:[a-z]+ )?{GOODS}\b)",
        rf"\b(?:apply|ask|file|eligible|qualify|contact us|call us|write to us|get in touch|reach out|sign up|register|"
        rf"log ?in|request) (?:(?:online|today|now|here) )?(?:for|to (?:claim|receive|get|request|obtain)|your|a) "
        rf"(?:(?:your|a|the|this|full|partial|possible) )*{GOODS}\b",
        rf"\b(?:to|and) (?:receive|get|obtain|collect|access|unlock|enjoy) (?:(?:your|a|the|this|full|free|unique) )*"
        rf"(?:[a-z]+ )?{GOODS}\b{_near(60)},? (?:please|simply|just|you (?:must|need|have to)|visit|click|tap|enter|use|"
        r"register|call|fill|complete|log|sign|contact|reply)\b",
        rf"\b(?:click|tap|visit|go to|head to|log ?in|sign ?in|sign up|follow|open|download|call|reply|contact|register|"
        rf"enter|scan|dial|text)\b{_near(60)}\bto (?:claim|redeem|activate|(?:receive|request|get|obtain|collect|have|"
        rf"access|apply) (?:(?:your|a|the|this|for|full|free) )*(?:[a-z]+ )?{GOODS})",
        rf"\b(?:please|must|need to|have to|should|simply|just) (?:register|sign up|fill (?:in|out)|complete|submit|"
        rf"upload|provide|enter)\b{_near(60)}\b(?:form|claim|request|receipt|code|details|proof|before|by|to)\b",
        r"\b(?:fill(?:ing)? (?:in|out)|submit(?:ting)?|complet(?:e|ing)) (?:the |a |this |our |your )?(?:[a-z]+ )?"
        r"(?:form|claim|request)\b",
        rf"\b(?:click|tap|press) (?:here|below|the (?:link|button))\b{_near(25)}\b{GOODS}|\b(?:send|e-?mail|mail|show|forward) us\b{_near(50)}"
        rf"\b(?:for|to (?:get|receive|obtain|claim)) (?:your|a|the) (?:\w+ )?{GOODS}",
        r"\b(?:use|enter|quote|apply|with) (?:the |this |your )?(?:promo(?:tional)? |voucher |discount |coupon |unique )?"
        r"code\b",
        rf"\b(?:contact|call|e-?mail|text|tell|ask|write to|message) us if you (?:want|would like|'d like|wish|need) (?:for )?(?:a|your|"
        rf"the|any)\b{_near(20)}\b{GOODS}",
        r"\btake advantage of (?:this|that|the|our|it)\b",
        rf"\b(?:einlösen|beantragen|anfordern|geltend machen|abholen)\b|\b(?:lösen Sie\b{_near(40)}\bein|"
        rf"fordern Sie\b{_near(40)}\ban|holen Sie\b{_near(40)}\bab)\b|\baktivieren Sie\b|\b(?:registrieren|melden) Sie sich\b"
        rf"{_near(40)}\b(?:um|Gutschrift|Gutschein|Erstattung)|\bklicken Sie\b|\bfüllen Sie\b{_near(40)}\baus\b"
        r"|\bstellen Sie (?:bitte )?einen Antrag|\bgeben Sie\b[^.!?\n]{0,40}\bCode\b",
        unless=NOT_ASKED,
    ),
    _rule(
        "claim-deadline",
        "error",
        "a remedy has no deadline; apply it",
        rf"\b(?:claim|redeem|request|activate|register|respond|reply|use it|use (?:your|this|the) \w+|sign up|submit|log "
        rf"in|click|contact us|call us|apply(?! (?:the|your|a|it)\b))\b{_near(70)}\b(?:{SPAN}|(?:by|before|until|till|"
        rf"no later than) {DATE})",
        rf"\b(?:{SPAN} (?:business |working |calendar )?(?:days?|weeks?|hours?|months?)|(?:by|before|until) {DATE})"
        rf"{_near(50)}\b(?:to (?:claim|redeem|apply|request|activate|register)|or (?:it|the|your) (?:\w+ )?(?:will|is|expires?|lapses?))",
        rf"\b(?:claims?|requests?|forms?|applications?) (?:must|should|have to|need to) be\b{_near(30)}\b(?:by|before|within|until)\b",
        r"\byou have (?:\w+ ){1,3}(?:days?|weeks?|hours?|months?) to (?:claim|redeem|apply|request|activate|register|use)\b",
        r"\b(?:valid|redeemable|available|good) (?:only )?(?:until|till|for|through|from)\b",
        r"\b(?:credit|voucher|coupon|code|offer|refund|it|discount|bonus|points|gift|compensation)s? (?:will )?"
        r"(?:expires?|lapses?|ends?)\b|\bexpir(?:es|ing) (?:on|in|at|after|by)\b|\boffer ends\b|\blimited[- ]time\b",
        rf"\b(?:innerhalb (?:von |der nächsten )?|binnen |in den nächsten )\d+ (?:Tagen?|Wochen|Stunden)\b{_near(50)}"
        r"\b(?:ein(?:zu)?lös|beantrag|anford|anzufordern|melde|aktivier)",
        rf"\b(?:gültig|einlösbar|einzulösen) (?:nur )?(?:bis|für)\b|\bverfällt\b|\b(?:lösen|fordern|melden) Sie\b{_near(50)}"
        r"\b(?:innerhalb|binnen|bis (?:zum|spätestens|\d))",
        unless=NOT_ASKED,
    ),
    _rule(
        "selling",
        "error",
        "an apology sells nothing (Becker, Spann and Barrot 2020)",
        r"(?:(?<![^.!?:\n])|(?<=[.!?:] )|\b(?:please|now|why not|you (?:can|could) (?:now |also )?|simply|time to|want to) )"
        r"(?:upgrade (?:to|now|today|your)|buy|shop|subscribe|discover (?:our|the|more|new)|check out|explore (?:our|the|"
        r"new|more)|switch to|try (?:our|out|it free|[a-z]+ (?:premium|plus|pro))|order (?:now|today|your next)|book (?:"
        r"now|today|your next)|sign up for our)\b",
        r"\b(?:upgrade|buy|order|shop|subscribe|book) (?:now|today)\b",
        r"\b(?:special|exclusive|limited(?:[- ]time)?|great|unbeatable) (?:offers?|deals?|discounts?|prices?)\b",
        r"\b(?:free for \d+|\d+ (?:days?|months?|weeks?) free trial|free trial|for the price of|did you know that our|(?:new|premium|plus|pro) "
        r"plans? (?:has|have|offers?|includes?))\b",
        r"\b\d+ ?(?:%|percent) (?:off|discount)\b|\bsave (?:up to )?(?:\d|[€$£])|\b(?:off|discount on) (?:your|any) next\b",
        r"\b(?:check out|discover|explore|try) our (?:new|latest|other)\b|\bwhile you(?:'re| are) here\b"
        r"|\byou (?:may|might) also (?:like|enjoy|be interested)\b|\bour (?:new|latest) (?:plans?|bundles?|packages?)\b",
        r"\bjetzt (?:bestellen|kaufen|buchen|upgraden|abonnieren|entdecken|sichern|testen)\b|\b(?:Sonderangebot\w*|"
        r"exklusive[sn]? Angebote?)\b|\b(?:entdecken|testen|bestellen|buchen|sichern) Sie (?:jetzt|sich|unser\w*)\b"
        r"|\b\d+ ?(?:%|Prozent) Rabatt\b|\bRabatt auf (?:Ihre|die) nächste",
    ),
)

WARNINGS: tuple[Rule, ...] = (
    _rule(
        "inconvenience",
        "warning",
        "name what it cost the customer; or write: the inconvenience that we caused",
        r"\binconvenienc\w*\b(?! (?:that |which )?(?:we|I) (?:have |had )?(?:caused|put|made|gave))",
        r"\bUnannehmlichkeit\w*\b(?!,? (?:die|welche) wir)",
    ),
    _rule(
        "blame",
        "warning",
        "say what was ours; a cause is told after the responsibility, not instead of it",
        r"\b(?:criminal|bot|cyber|hacker|hacking|malicious|ransomware|ddos|denial[- ]of[- ]service|coordinated) ?-?attacks?"
        r"\b|\bcyber-?attacks?\b|\b(?:this|an|the) attack (?:on|against|by)\b|\battacks? (?:on|against) (?:us|our)\b"
        r"|\bcaused by (?:this|an|the) attack\b|\bhackers?\b|\b(?:a |this )?crime against\b|\bcriminals?\b",
        r"\b(?:severe|bad|adverse|extreme|poor|unusual|winter) (?:winter )?weather\b|\b(?:due to|because of|owing to|by) "
        r"(?:the |a |an )?(?:weather|storm|flood|heat|snow|act of god|force majeure|strike)\b",
        r"\b(?:third[- ]part(?:y|ies)|upstream provider|external (?:provider|supplier|service|vendor|partner)s?)\b",
        rf"\b(?:our|the|a|one of our|their) (?:[a-z]+ ){{0,2}}(?:vendor|supplier|provider|contractor|carrier|host|server farm|"
        rf"subcontractor|partner|operator|manufacturer|processor)s?(?:'s?)?\b{_near(45)}\b(?:fail\w*|fault|error|"
        r"misconfigur\w*|outage|issues?|problems?|admitted|caused|culpab\w*|mistake|broke|let us down|responsible)\b",
        r"\b(?:due to|because of|caused by|as a result of|owing to)\b[^.!?\n]{0,60}\b(?:vendor|supplier|partner|provider|"
        r"contractor|carrier|manufacturer|unforeseen|circumstances)",
        r"\b(?:problems?|faults?|errors?|outages?|failures?|issues?|mistakes?) (?:at|with|by|of|in) (?:one of )?(?:our|a|an|the) "
        r"(?:\w+ ){0,2}(?:vendor|supplier|provider|contractor|carrier|partner|manufacturer)s?\b",
        r"\b[A-Z]\w+-caused\b|\b(?:the|this) (?:issue|problem|outage|fault) (?:impacted|affected|lay with|was with|came from)"
        r" (?:the )?(?!our|us\b|you|we\b|all|some|many)[a-z]+ (?:[a-z]+ )?(?:system|platform|software|network|company)\b",
        r"\b(?:unprecedented|unexpected\w*|record|overwhelming|exceptional\w*|extraordinar\w*|unusual\w*|volatile)"
        r"(?: \w+){0,3} (?:demand|traffic|volumes?|loads?|sign-?ups|interest|market)\b|\bmarket conditions\b",
        r"\b(?:beyond|outside|out of) our (?:direct |immediate )?control\b|\bunforeseen\b|\bcombination of (?:events|factors)\b"
        r"|\b(?:the|a|this) (?:storm|hurricane|flood|heat ?wave|lightning|earthquake|strike|snow) (?:\w+ )?(?:damaged|hit|caused|brought|broke|took)\b",
        r"\b(?:why|because|when|after) (?:this|the|some|a) (?:customers?|users?|passengers?) (?:defied|refused|failed|ignored"
        r"|did not follow|misused)\b",
        rf"\b(?:aufgrund|wegen|durch|infolge|bei)\b{_near(60)}\b(?:Drittanbieter\w*|Dienstleister\w*|Lieferant\w*|Partner\w*|"
        r"Wetter\w*|Unwetter\w*|Sturm\w*|Hackerangriff\w*|Cyberangriff\w*|Angriff\w*|extern\w*|Zulieferer\w*)",
        r"\b(?:außerhalb unser\w+ (?:Kontrolle|Einfluss\w*)|höhere[rn]? Gewalt|unvorhersehbar\w*|Vorleister\w*)\b",
    ),
    _rule(
        "agentless",
        "warning",
        "say who did it: we",
        r"\b(?:incidents?|issues?|outages?|disruptions?|problems?|events?|errors?|situations?|faults?|interruptions?|glitch"
        r"(?:es)?|circumstances|mistakes?) (?:that |which )?(?:(?:has|have|had) )?(?:recently |unfortunately )?"
        r"(?:occurr(?:ed|ing)|arose|arisen|happened|took place|emerged)\b|\bwhat occurred\b|\b(?:arising|stemm\w+) from\b",
        r"\b(?:technical|network|system|server|connectivity|it) (?:network |server )?(?:issues?|difficult(?:y|ies)|problems?|"
        r"glitch(?:es)?|malfunctions?)\b",
        r"\b(?:was|were) (?:subsequently |later )?(?:found|determined|discovered|identified) to (?:be|have)\b",
        r"\bthere (?:was|were|has been|have been) (?:an? |some )?(?:\w+ )?(?:problems?|issues?|errors?|faults?|incidents?|outages?|disruptions?)\b"
        r"|\b(?:was|were) (?:affected|impacted|caused|interrupted|disrupted) by (?:an?|the|this|some) (?:\w+ )?(?:issue|problem|error|incident|fault)"
        r"|\b(?:fault|issue|problem|error) was (?:identified|detected|discovered|found)\b",
        r"\b(?:mistakes?|errors?) (?:were|was|have been|has been) made\b|\bsomething went wrong\b",
        r"\b(?:no[- ]one|nobody) should (?:ever )?(?:be|have)\b|\b(?:service|services|access) (?:was|were|became) (?:"
        r"interrupted|disrupted|unavailable|impacted|affected|degraded)\b",
        r"\btechnische[nrs]? (?:Problem\w*|Schwierigkeit\w*|Störung\w*|Defekt\w*|Panne\w*)\b",
        r"\b(?:ist|sind) (?:es )?(?:leider )?zu (?:einer |einem )?\w*(?:störung|problem|ausfall|fehler)\w* gekommen\b",
        r"\b(?:kam es|es kam) (?:leider )?(?:\w+ ){0,4}?zu\b|\b(?:ist|sind) (?:leider )?(?:ein|eine) \w*(?:Fehler|Störung|Panne|Problem)"
        r" (?:aufgetreten|passiert|unterlaufen)\b|\b(?:Fehler|Störung|Problem) (?:ist )?aufgetreten\b",
    ),
    _rule(
        "minimising",
        "warning",
        "leave out how small it was: the customer knows",
        r"\b(?:only|just|merely) (?:a |an )?(?:very )?(?:small|brief|short|minor|few|affected|handful|tiny|limited)\b",
        r"\b(?:brief|minor|slight|small|isolated|momentary|temporary|short-lived|little) (?:\w+ )?(?:disruption|interruption|"
        r"outage|issue|incident|delay|glitch|hiccup|problem|blip|inconvenience)s?\b|\bhiccups?\b"
        r"|\b(?:interruption|outage|disruption|delay|problem) (?:was|lasted) (?:only |just |very |relatively |quite )*(?:short|brief|small|minor)\b"
        r"|\b(?:only|just|merely) (?:lasted|took|affected)\b|\blasted (?:only|just)\b",
        r"\b(?:a )?(?:small|tiny|limited) (?:number|percentage|fraction|subset|portion|proportion|group) of\b"
        r"|\b(?:the )?(?:vast|overwhelming) majority of (?:our )?(?:customers|users|viewers|members|subscribers)\b",
        r"\b(?:very |extremely |exceedingly )?rare (?:occurrence|event|case|situation|incident)s?\b|\beven if you\b"
        r"|\bdoes(?: not|n't) (?:necessarily )?mean\b|\bless than (?:one|1|\d) ?(?:%|percent) of\b",
        r"\b(?:kurze|kleine|geringfügige|kurzzeitige|vorübergehende|minimale)[nrs]? (?:\w+ )?(?:Störung|Unterbrechung|"
        r"Verzögerung|Problem|Ausfall|Beeinträchtigung|Panne)\w*|\bnur (?:kurz|wenige|ein kleiner|vereinzelt)\b",
    ),
    _rule(
        "self-praise",
        "warning",
        "praise has no place in an apology",
        r"\b(?:we(?: are|'re) proud|world[- ]?class|industry[- ]leading|best[- ]in[- ]class|market[- ]leading|award[- ]winning"
        r"|around the clock|24/7|tireless(?:ly)?|work(?:ed|ing|s)? (?:\w+ )?hard|state[- ]of[- ]the[- ]art|highest (?:standards?|"
        r"quality)|second to none|as (?:you|our customers) (?:deserve|expect) from)\b",
        r"\bcommitted to (?:providing|delivering|offering|excellence|the highest|quality|our customers)\b|\bour commitment to\b",
        r"\b(?:consistently|always|historically) (?:delivered|provided|exceeded|offered|maintained|had)\b|\bexceed(?:ed|s)? "
        r"(?:\w+ )?(?:SLAs?|expectations|targets?)\b|\b99(?:\.\d+)? ?% (?:uptime|availability|reliab\w+)",
        r"\b(?:happy|pleased|delighted|proud|glad) to (?:report|announce|say|share|confirm)\b|\bable to (?:fix|restore|resolve|"
        r"recover|repair)\b[^.!?\n]{0,25}\b(?:within|in) (?:just |only |under )?(?:a few|minutes|an hour|hours|\d+)\b",
        r"\b(?:clearly |firmly )?behind us\b|\bnever before has\b|\bsparked so much\b|\bour (?:talented|dedicated|expert|"
        r"amazing|excellent) (?:\w+ )?(?:teams?|engineers?|staff|people)\b",
        r"\b(?:rund um die Uhr|mit Hochdruck|stolz (?:auf|darauf)|höchste[nrms]? (?:Qualität|Ansprüche\w*|Standards?)|unermüdlich"
        r"|marktführend\w*|freuen uns,? (?:Ihnen )?(?:mitzuteilen|mitteilen))\b",
        r"(?<!service we )(?<!level we )(?<!standards we )(?<!standard we )(?<!what we )\bpride (?:ourselves|myself)\b|\btake (?:great |enormous )?pride\b"
        r"|\b(?:highest|top|number one|utmost) priority\b|\b(?:matters|means) (?:a lot |everything )?to us\b|\btake your [a-z ]{1,30}"
        r"(?:very |extremely )?seriously\b|\b(?:liegt|liegen) uns (?:sehr )?am Herzen\b|\b(?:hat|haben) für uns (?:höchste|oberste) Priorität\b",
    ),
    _rule(
        "self-defence",
        "warning",
        "do not defend; say what you will change",
        r"\b(?:despite|notwithstanding) (?:all )?(?:our|these|the) (?:best |many |considerable )?(?:efforts?|precautions?|"
        r"safeguards?|investments?)\b|\b(?:extremely|very|exceedingly|incredibly) (?:rare|unlikely)\b(?! (?:occurrence|event|"
        r"case|situation|incident))",
        r"\b(?:no (?:company|system|network|service|provider) is|nobody(?:'s| is) perfect|these things happen|like (?:all|any|"
        r"every|many) (?:other )?(?:compan\w+|providers?|services?|systems?)|as you (?:may|can|will) (?:know|imagine|"
        r"understand|appreciate))\b",
        r"\bfollow(?:ed|ing) (?:all |our |the )?(?:\w+ )?(?:procedures?|protocols?|rules|processes|guidelines|policy)\b"
        r"|\bstand (?:firmly )?(?:behind|by) (?:all of |every one of )?(?:you|our|my|the)\b|\bacted (?:correctly|properly|"
        r"appropriately|responsibly|in (?:line|accordance|good faith))\b|\bwe did (?:everything|all) (?:we|that)\b",
        r"\b(?:can(?:not|'t)|never) (?:be )?(?:completely |entirely |fully )?(?:be )?(?:ruled? out|avoid(?:ed)?|exclude[d]?)\b"
        r"|\bas (?:quickly|fast|soon) as we (?:possibly )?could\b",
        r"\b(?:trotz (?:aller|größter|intensiver) (?:Bemühungen|Sorgfalt|Anstrengungen)|äußerst (?:selten|unwahrscheinlich)|"
        r"beispiellos\w*|niemand ist perfekt|lässt sich (?:leider )?nie ganz (?:ausschließen|vermeiden))\b",
    ),
    _rule(
        "thanks-for-patience",
        "warning",
        "nobody was asked whether they would be patient",
        rf"\b(?:thank(?:s|ed|ing|ful)?|appreciate|value|acknowledge|grateful|ask for|request|beg)\b{_near(45)}"
        r"\b(?:patience|understanding|bearing with|loyalty|cooperation)\b|\bbear with us\b|\byour continued (?:support|"
        r"patience|loyalty|trust)\b",
        rf"\b(?:danken|bedanken|Dank|danke|schätzen)\b{_near(40)}\b(?:Geduld|Verständnis|Treue)\b",
        rf"\b(?:bitten|bitte)\b{_near(25)}\bum (?:Ihr |Euer |Ihre )?(?:Verständnis|Geduld|Nachsicht)\b",
        r"\byour (?:patience|understanding)\b[^.!?\n]{0,30}\b(?:appreciated|valued)\b|\b(?:hoffen|zählen) auf (?:Ihr|Ihre) (?:Verständnis|Geduld)\b",
    ),
    _rule(
        "euphemism",
        "warning",
        "use the plain word",
        r"\b(?:service (?:degradation|event)|degraded (?:performance|experience|service)|suboptimal|less than ideal|"
        r"(?:fell|falls|fall) short of (?:\w+ )?expectations|not (?:up to|meet) (?:your|our|the) (?:usual )?(?:standards?|"
        r"expectations)|abundance of caution|performance anomal\w+|unplanned downtime|challenges? (?:with|in) our)\b",
        r"\b(?:Beeinträchtigung(?:en)?|suboptimal\w*|Unregelmäßigkeit(?:en)?|nicht (?:ganz )?optimal)\b",
    ),
    _rule(
        "bare-promise",
        "warning",
        "say what you have changed, not that you will do better (Halperin and others 2022)",
        r"\b(?:we|I)(?:'ll| will| shall| promise to| pledge to| strive to| aim to| are committed to| continue to| hope to| "
        r"intend to| want to)(?: now| always| do our best to| work to| try to| continue to)* (?:do better|be better|improv\w+|"
        r"learn|ensure (?:that )?(?:this|it)|make sure (?:that )?(?:we|this|it)|prevent|earn|do (?:everything|all|a)|strive|"
        r"take (?:the )?(?:necessary |appropriate )?(?:steps|measures))\b",
        r"\b(?:will|won't|shall|can|does) (?:not|never) (?:ever )?happen again\b(?<!does not happen again)|\bwon't happen again\b",
        r"\b(?:lessons?|learnings?)\b[^.!?\n]{0,30}\b(?:learn\w*|captured?|taken|drawn)\b|\bcapture all the learnings\b"
        r"|\btaking (?:\w+ ){0,3}(?:steps|measures|action) to (?:prevent|ensure|avoid|improve|make sure)\b"
        r"|\bdo(?:ing)? (?:everything|all|our (?:very )?best|our utmost)\b",
        r"\b(?:wir (?:werden|wollen|möchten)(?: \w+){0,3} (?:verbessern|besser (?:werden|machen)|sicherstellen|alles (?:tun|"
        r"daran ?setzen))|setzen alles daran|(?:wird|soll|darf) (?:so )?(?:nicht|nie) (?:wieder|mehr) (?:vorkommen|passieren))\b",
    ),
)
RULES = ERRORS + WARNINGS
APOLOGY = Wording(
    r"\b(?:sorry|apologi[sz]\w*|apolog(?:y|ies)|apologetic|forgive(?:ness)?)\b",
    r"\b(?:entschuldig\w+|verzeih\w*|tut (?:es |das |dies )?(?:uns|mir) (?:\w+ )?leid|(?:uns|mir) (?:\w+ )?leid)\b",
)
