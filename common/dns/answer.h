/*
 * answer.h - answers in memory: each in one piece, counted, unchanged once it
 * is made. Who holds a reference may use it from any thread, whether or not
 * the cache still has it.
 */
#ifndef POSTERN_DNS_ANSWER_H
#define POSTERN_DNS_ANSWER_H

#include "common/dns/dns.h"

/* A copy of an answer on the heap, with one reference. At most
 * DNS_RECORDS_MAX of its records are kept. */
const struct dns_answer *dns_answer_copy(const struct dns_answer *answer);
/* A DNS_SERVFAIL, likewise. */
const struct dns_answer *dns_answer_failure(const char *detail);
const struct dns_answer *dns_answer_ref(const struct dns_answer *answer);
/* NULL is nothing. For answers of dns_answer_copy() only. */
void dns_answer_unref(const struct dns_answer *answer);

/* The bytes a counted answer to such a question takes, with what is likely
 * derived from it at the worst. */
size_t dns_answer_cost(const struct dns_answer *answer, enum dns_type type);

/* Frees what dns_answer_derive() made from an answer that lies elsewhere. */
void dns_answer_forget(const struct dns_answer *answer);

#endif
