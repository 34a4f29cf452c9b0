/* emu/tls.h: an authority of our own and the certificates that it signs, good and
 * bad ones.  Made anew at each start, never written but for the authority's own
 * certificate, which clients want. */
#ifndef EMU_TLS_H
#define EMU_TLS_H

#include "base/attr.h"
#include "base/buf.h"

#include "emu/settings.h"
#include "emu/why.h"

/* Certificates and keys are PEM. */
struct tls {
	struct buf authority;
	struct {
		struct buf cert, key;
	} leaf[CERT_COUNT];
};

/* For localhost, 127.0.0.1 and ::1; in the other kinds just one thing is wrong.
 * 0, or -errno and why. */
int tls_make(struct tls *t, struct why *why) WARN_UNUSED;
void tls_release(struct tls *t);

#endif
