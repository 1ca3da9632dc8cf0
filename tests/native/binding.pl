# What Perl's binding tells of the domains of a connection.
use strict;
use warnings;
use Sys::Virt;
use Sys::Virt::Domain;

my $connection = Sys::Virt->new(uri => $ARGV[0]);
printf "%s %d %d\n", $connection->get_type, $connection->get_version, $connection->get_library_version;
for my $domain ($connection->list_all_domains) {
    my $info = $domain->get_info;
    print join(" ", $domain->get_name, $domain->get_uuid_string, $domain->get_state, @$info{qw(memory maxMem nrVirtCpu)}), "\n";
    my $stats = $domain->memory_stats;
    print join(" ", map { "$_=$stats->{$_}" } sort keys %$stats), "\n";
}
for my $record ($connection->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE | Sys::Virt::Domain::STATS_BALLOON)) {
    my $fields = $record->{data};
    print join(" ", $record->{dom}->get_name, map { "$_=$fields->{$_}" } sort keys %$fields), "\n";
}
eval { $connection->get_domain_by_name("nobody") };
printf "%d %d %s\n", $@->code, $@->domain, $@->message;
