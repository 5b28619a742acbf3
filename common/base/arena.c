#include "common/base/arena.h"

#include "common/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FIRST_BLOCK = 4096 - 64,	/* a page, less malloc's own words */
	LARGEST_BLOCK = 1 << 20
};

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	max_align_t data[];
};

static size_t
align_up(size_t n)
{
	size_t mask = _Alignof(max_align_t) - 1;

	return (n + mask) & ~mask;
}

static struct arena_block *
add_block(struct arena *a, size_t need)
{
	size_t size = a->blocks != NULL ? a->blocks->size * 2 : FIRST_BLOCK;
	struct arena_block *block;

	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*block))
		size = SIZE_MAX - sizeof(*block);	/* refused by xmalloc */
	block = xmalloc(sizeof(*block) + size);
	block->next = a->blocks;
	block->size = size;
	block->used = 0;
	a->blocks = block;
	return block;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *block = a->blocks;
	size_t need = size <= SIZE_MAX / 2 ? align_up(size) : size;
	void *p;

	if (block == NULL || block->size - block->used < need)
		block = add_block(a, need);
	p = (char *)block->data + block->used;
	block->used += need;
	a->total += need;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

struct span
arena_dup(struct arena *a, struct span s)
{
	char *p = arena_alloc(a, s.len + 1);

	if (s.len != 0)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return span_make(p, s.len);
}

struct span
arena_duplower(struct arena *a, struct span s)
{
	char *p = arena_alloc(a, s.len + 1);
	size_t i;

	for (i = 0; i < s.len; i++)
		p[i] = ascii_lower(s.p[i]);
	p[s.len] = '\0';
	return span_make(p, s.len);
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(arena_alloc(a, size), s, size);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	p = arena_alloc(a, (size_t)n + 1);
	p[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *block = a->blocks;

	while (block != NULL && block->next != NULL) {
		a->blocks = block->next;
		free(block);
		block = a->blocks;
	}
	if (block != NULL)
		block->used = 0;
	a->total = 0;
}

void
arena_clear(struct arena *a)
{
	arena_reset(a);
	free(a->blocks);
	*a = (struct arena)ARENA_INIT;
}
