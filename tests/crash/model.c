// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/le.h"

#define CELL_MAGIC 0x6c6c6543u /* "Cell" */

/* ---- choices and patterns ---- */

/* splitmix64 */
uint64_t model_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 29);
}

static uint64_t hash_bytes(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		sum = mix(sum, p[i] + 1u);
	return sum;
}

unsigned model_pick(struct model *m, unsigned n)
{
	return (unsigned)(model_random(&m->random) % n);
}

bool model_chance(struct model *m, unsigned percent)
{
	return model_pick(m, 100) < percent;
}

void model_fill(uint8_t *p, uint32_t id, uint64_t cell, uint64_t nr, uint32_t version)
{
	for (uint64_t i = 0; i < nr; i++, p += CELL) {
		le32_put(p, id ^ CELL_MAGIC);
		le32_put(p + 4, version);
		le32_put(p + 8, (uint32_t)(cell + i));
		le32_put(p + 12, id * 31 + version * 17 + (uint32_t)(cell + i));
	}
}

int64_t model_cell(const uint8_t *p, uint32_t id, uint64_t cell)
{
	static const uint8_t zeros[CELL];
	uint32_t version = le32_get(p + 4);

	if (!memcmp(p, zeros, CELL))
		return 0;
	if (le32_get(p) != (id ^ CELL_MAGIC) || le32_get(p + 8) != (uint32_t)cell || !version ||
		le32_get(p + 12) != id * 31 + version * 17 + (uint32_t)cell)
		return -1;
	return version;
}

size_t model_value(uint32_t version, uint8_t *ret)
{
	size_t len = 4 + version * 37 % (version % 5 ? 90 : MAX_VALUE - 1000);

	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(version + i * 7);
	le32_put(ret, version);
	return len;
}

size_t model_target(uint32_t id, char *ret)
{
	size_t len = id % 3 ? 20 : 200;

	memset(ret, 'a' + (int)(id % 26), len);
	return len;
}

/* ---- the state of names ---- */

uint64_t model_name_hash(uint32_t dir, const char *name, size_t len, uint32_t id, enum kind kind)
{
	return mix(mix(hash_bytes(dir + 1, name, len), id), kind);
}

uint64_t model_object_hash(uint32_t id, unsigned nlink, uint16_t mode, uint32_t value,
	unsigned policy)
{
	return mix(mix(mix(mix(mix(77, id), nlink), mode & 07777u), value), policy);
}

static uint64_t state_hash(const struct model *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->nr_names; i++) {
		const struct name *n = &m->names[i];

		sum += model_name_hash(n->dir->id, n->name, strlen(n->name), n->object->id,
			n->object->kind);
	}
	/* The root's attributes are never changed. */
	for (size_t i = 1; i < m->nr_objects; i++) {
		const struct object *o = m->objects[i];

		if (o->nlink)
			sum += model_object_hash(o->id, o->nlink, o->mode, o->value,
				o->policy);
	}
	return sum;
}

static void *grow(void *array, size_t nr, size_t size)
{
	/* By powers of two, from 16 on. */
	if (nr >= 16 && (nr & (nr - 1)))
		return array;
	if (nr < 16 && nr)
		return array;
	array = realloc(array, (nr ? nr * 2 : 16) * size);
	if (!array)
		abort();
	return array;
}

void model_add_state(struct model *m, uint64_t began, const char *what)
{
	struct state *s;

	m->states = grow(m->states, m->nr_states, sizeof(*m->states));
	s = &m->states[m->nr_states++];
	*s = (struct state){ .began = began, .hash = state_hash(m) };
	snprintf(s->what, sizeof(s->what), "%s", what);
}

/* ---- objects ---- */

struct object *model_add_object(struct model *m, enum kind kind, uint16_t mode)
{
	struct object *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	m->objects = grow(m->objects, m->nr_objects, sizeof(*m->objects));
	o->id = (uint32_t)m->nr_objects;
	m->objects[m->nr_objects++] = o;
	o->kind = kind;
	o->mode = mode;
	o->nlink = kind == K_DIR ? 2 : 1;
	return o;
}

struct change *model_add_change(struct object *o, uint64_t stamp, uint64_t from, uint64_t to,
	uint32_t version, uint64_t size)
{
	struct change *c;

	o->changes = grow(o->changes, o->nr_changes, sizeof(*o->changes));
	c = &o->changes[o->nr_changes++];
	*c = (struct change){
		.began = stamp, .from = from, .to = to, .version = version,
		.size = size,
	};
	return c;
}

void model_add_promise(struct object *o, uint64_t stamp)
{
	o->promises = grow(o->promises, o->nr_promises, sizeof(*o->promises));
	o->promises[o->nr_promises++] = (struct promise){ stamp, o->nr_changes };
}

void model_add_bound(struct model *m, uint64_t stamp, unsigned op)
{
	m->bounds = grow(m->bounds, m->nr_bounds, sizeof(*m->bounds));
	m->bounds[m->nr_bounds++] = (struct bound){ stamp, op };
}

struct object *model_some_object(struct model *m, unsigned kinds)
{
	size_t nr = 0, at;

	for (size_t i = 0; i < m->nr_objects; i++)
		nr += m->objects[i]->nlink && (kinds >> m->objects[i]->kind & 1);
	if (!nr)
		return NULL;
	at = model_pick(m, (unsigned)nr);
	for (size_t i = 0; i < m->nr_objects; i++)
		if (m->objects[i]->nlink && (kinds >> m->objects[i]->kind & 1) && at-- == 0)
			return m->objects[i];
	return NULL;
}

struct object *model_some_dir(struct model *m)
{
	return model_some_object(m, 1 << K_DIR);
}

size_t model_some_name(struct model *m, unsigned kinds)
{
	size_t nr = 0, at;

	for (size_t i = 0; i < m->nr_names; i++)
		nr += kinds >> m->names[i].object->kind & 1;
	if (!nr)
		return SIZE_MAX;
	at = model_pick(m, (unsigned)nr);
	for (size_t i = 0; i < m->nr_names; i++)
		if ((kinds >> m->names[i].object->kind & 1) && at-- == 0)
			return i;
	return SIZE_MAX;
}

size_t model_find_name(const struct model *m, const struct object *dir, const char *name)
{
	for (size_t i = 0; i < m->nr_names; i++)
		if (m->names[i].dir == dir && !strcmp(m->names[i].name, name))
			return i;
	return SIZE_MAX;
}

void model_fresh_name(struct model *m, const struct object *dir, char *name)
{
	do
		snprintf(name, 32, "n%0*u", 1 + (int)model_pick(m, 20), model_pick(m, 1000));
	while (model_find_name(m, dir, name) != SIZE_MAX);
}

void model_add_name(struct model *m, struct object *dir, const char *name, struct object *o)
{
	struct name *n;

	m->names = grow(m->names, m->nr_names, sizeof(*m->names));
	n = &m->names[m->nr_names++];
	n->dir = dir;
	n->object = o;
	snprintf(n->name, sizeof(n->name), "%s", name);
	if (o->kind == K_DIR) {
		o->parent = dir;
		dir->nlink++;
	}
}

void model_drop_name(struct model *m, size_t i)
{
	struct name *n = &m->names[i];

	if (n->object->kind == K_DIR)
		n->dir->nlink--;
	*n = m->names[--m->nr_names];
}

bool model_is_empty(const struct model *m, const struct object *dir)
{
	for (size_t i = 0; i < m->nr_names; i++)
		if (m->names[i].dir == dir)
			return false;
	return true;
}

bool model_is_below(const struct object *o, const struct object *top)
{
	for (; o; o = o->parent)
		if (o == top)
			return true;
	return false;
}

void model_inherit(struct object *o, const struct object *dir)
{
	o->policy = o->kind == K_NODE ? 0 : dir->policy;
}

bool model_may_hold(const struct object *dir, const struct object *o)
{
	return !dir->policy || o->kind == K_NODE || o->policy == dir->policy;
}

/* ---- all of it ---- */

void model_init(struct model *m, uint64_t seed)
{
	/* mixed: states a few steps of the generator apart would soon give one and the same sequence */
	*m = (struct model){ .random = seed };
	m->random = model_random(&m->random);
}

void model_fini(struct model *m)
{
	for (size_t i = 0; i < m->nr_objects; i++) {
		free(m->objects[i]->changes);
		free(m->objects[i]->promises);
		free(m->objects[i]);
	}
	free(m->objects);
	free(m->names);
	free(m->states);
	free(m->bounds);
}
