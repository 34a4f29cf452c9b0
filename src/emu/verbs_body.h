/* emu/verbs_body.h: verbs that change an answer's body. */
#ifndef EMU_VERBS_BODY_H
#define EMU_VERBS_BODY_H

#include "emu/verbs.h"

verb_fn verbs_body_truncate, verbs_body_extend, verbs_body_json;
verb_fn verbs_body_base64, verbs_body_size_lie, verbs_body_names;
verb_fn verbs_body_mtime_lie, verbs_body_corrupt, verbs_body_type;

#endif
