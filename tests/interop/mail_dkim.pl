# Reads lines "path" and prints for each "result,result,...": one result for
# each signature, by Mail::DKIM. The key records come from the file named as the
# argument, lines of "name<TAB>record".
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

my %records;
open(my $file, "<", shift) or die $!;
while (<$file>) {
	chomp;
	my ($name, $record) = split /\t/, $_, 2;
	push @{$records{$name}}, $record;
}
close($file);

{
	no warnings "redefine";
	*Mail::DKIM::DNS::query = sub {
		my ($name, $type) = @_;
		return map {
			Net::DNS::RR->new(name => $name, type => $type,
			    txtdata => [unpack("(a255)*", $_)])
		} @{$records{lc $name} || []};
	};
}

sub verify {
	my ($path) = @_;
	my $dkim = Mail::DKIM::Verifier->new;
	open(my $message, "<:raw", $path) or die "$path: $!";
	my $block;
	$dkim->PRINT($block) while read($message, $block, 1 << 20);
	$dkim->CLOSE;
	close($message);
	return join(",", map { $_->result_detail } $dkim->signatures);
}

$| = 1;
while (<STDIN>) {
	chomp;
	print verify($_), "\n";
}
