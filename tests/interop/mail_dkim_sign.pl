# mail_dkim_sign.pl KEY DOMAIN SELECTOR: reads lines "method<TAB>path<TAB>copy"
# and writes each message, signed by Mail::DKIM, to copy; method is such as
# "relaxed/simple".
use strict;
use warnings;
use Mail::DKIM::Signer;

my ($key, $domain, $selector) = @ARGV;
while (<STDIN>) {
	chomp;
	my ($method, $path, $copy) = split /\t/;
	my $signer = Mail::DKIM::Signer->new(Algorithm => "rsa-sha256",
	    Method => $method, Domain => $domain, Selector => $selector,
	    KeyFile => $key);
	open(my $in, "<:raw", $path) or die "$path: $!";
	my $message = do { local $/; <$in> };
	close($in);
	$signer->PRINT($message);
	$signer->CLOSE;
	open(my $out, ">:raw", $copy) or die "$copy: $!";
	print $out $signer->signature->as_string, "\r\n", $message;
	close($out) or die "$copy: $!";
}
