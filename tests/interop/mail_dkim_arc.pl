# mail_dkim_arc.pl KEY DOMAIN SELECTOR CHAIN: seals the message that comes on
# standard input, by Mail::DKIM; CHAIN is the cv= of the new seal. The message
# needs an Authentication-Results field of DOMAIN.
use strict;
use warnings;
use Mail::DKIM::ARC::Signer;

my ($key, $domain, $selector, $chain) = @ARGV;
my $signer = Mail::DKIM::ARC::Signer->new(Algorithm => "rsa-sha256",
    Chain => $chain, Domain => $domain, SrvId => $domain,
    Selector => $selector, KeyFile => $key, Headers => "From:To:Subject:Date");
binmode STDIN;
binmode STDOUT;
my $message = do { local $/; <STDIN> };
$signer->PRINT($message);
$signer->CLOSE;
die $signer->{details} . "\n" unless $signer->result eq "sealed";
print map { "$_\r\n" } $signer->as_strings;
print $message;
