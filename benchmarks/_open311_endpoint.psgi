# What open311-adapter is given for the comparison of open311_adapter.py: the reports of our own SQLite file, read as plainly as can be.
package Amends::Endpoint;
use Moo;
extends 'Open311::Endpoint';
use DBI;
use DateTime;
use JSON::MaybeXS;
use DBD::SQLite::Constants ':file_open';
use Open311::Endpoint::Service::Attribute;

my $told = do { open my $file, '<', $ENV{BENCH_SERVICES} or die $!; local $/; JSON->new->utf8->decode(<$file>) };
my @services = map {
    my $each = $_;
    Open311::Endpoint::Service->new(
        %$each, attributes => [map { Open311::Endpoint::Service::Attribute->new(%$_) } @{ $each->{attributes} }]);
} @{ $told->{services} };
my %services = map { $_->service_code => $_ } @services;
my ($notices, $agencies) = @$told{qw(notices agencies)};
my $columns = "number, open, category, description, body, notice, strftime('%s', requested_at), strftime('%s', updated_at), "
    . 'address, address_id, zipcode, lat, long, media_url';

has dbh => (is => 'lazy', default => sub {
    my $dbh = DBI->connect("dbi:SQLite:dbname=$ENV{BENCH_DATABASE}", '', '',
        { RaiseError => 1, sqlite_unicode => 1, sqlite_open_flags => SQLITE_OPEN_READONLY });
    $dbh->do($_) for split /;/, $ENV{BENCH_PRAGMAS};
    $dbh;
});

sub services { @services }

sub service { $services{ $_[1] } }

sub get_service_request {
    my ($self, $number) = @_;
    ($self->_rows('number = ?', $number))[0] // die "not known here\n";
}

sub get_service_requests {
    my ($self, $args) = @_;
    my @where = ('requested_at >= ?', 'requested_at <= ?');
    my @values = $args->{start_date} ? map { s/T/ /r =~ s/Z//r } @$args{qw(start_date end_date)}
        : map { DateTime->from_epoch(epoch => time - $_ * 86400)->strftime('%F %T') } 90, 0;
    if (my $codes = $args->{service_code}) {
        push @where, 'category IN (' . join(',', ('?') x @$codes) . ')';
        push @values, @$codes;
    }
    push @where, $args->{status}[0] eq 'open' ? 'open' : 'open = FALSE' if $args->{status};
    $self->_rows(join(' AND ', @where), @values);
}

sub _rows {
    my ($self, $where, @values) = @_;
    my $rows = $self->dbh->selectall_arrayref($self->dbh->prepare_cached(
        "SELECT $columns FROM reports_reportrow WHERE visible AND $where ORDER BY requested_at DESC, number DESC LIMIT 1000"),
        undef, @values);
    map {
        my ($number, $open, $category, $description, $body, $notice, $requested, $updated, @place) = @$_;
        $self->new_request(
            service_request_id => $number,
            service => $services{$category},
            status => $open ? 'open' : 'closed',
            description => $description,
            agency_responsible => $agencies->{$body} // $body,
            service_notice => $notice || $notices->{$category},
            requested_datetime => DateTime->from_epoch(epoch => $requested),
            updated_datetime => DateTime->from_epoch(epoch => $updated),
            address => $place[0], address_id => $place[1], zipcode => $place[2],
            latlong => [@place[3, 4]],
            media_url => $place[5] ? [$place[5]] : [],
        );
    } @$rows;
}

package main;
Amends::Endpoint->new->to_psgi_app;
