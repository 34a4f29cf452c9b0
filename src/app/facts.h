/* app/facts.h: what .control/status.json and config.json say, gathered once. */
#ifndef APP_FACTS_H
#define APP_FACTS_H

#include "base/attr.h"
#include "control/ctl.h"

struct config;

#define FACTS_OPTIONS_MAX 64
#define FACTS_TREES_MAX   8

struct facts {
	struct ctl_facts shown; /* points to the rest */
	struct ctl_fact options[FACTS_OPTIONS_MAX];
	struct ctl_tree_fact trees[FACTS_TREES_MAX];
};

/* Fills in options, version and time; the rest of shown is the caller's.  facts
 * needs facts_release in every case. */
int facts_init(const struct config *config, struct facts *facts) WARN_UNUSED;
void facts_release(struct facts *facts);

/* name is static, why is copied.  0 or -ENOMEM. */
int facts_add_tree(
    struct facts *facts, const char *name, const char *why) WARN_UNUSED;

/* dir is static, or NULL, and then why is copied.  0 or -ENOMEM. */
int facts_set_cache(
    struct facts *facts, const char *dir, const char *why) WARN_UNUSED;

#endif
