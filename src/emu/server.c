/* emu/server.c - libmicrohttpd, a thread a connection.
 *
 * A request is made when its target is known (the URL log callback, which sees
 * the target undecoded), and freed when its answer has left.  Of a request whose
 * parameters it cannot hold libmicrohttpd says nothing more; a slot of its
 * connection keeps it. */
#include "config.h"

#include "emu/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"

#include "emu/dispatch.h"
#include "emu/door.h"
#include "emu/intake.h"
#include "emu/listen.h"
#include "emu/request.h"
#include "emu/sender.h"
#include "emu/tls.h"

#include "base/banned.h"

#define CONNECTION_MEMORY ((size_t)256 << 10)
#define CONNECTIONS_MAX   512u
#define IDLE_SECONDS      60u
#define STACK_BYTES       ((size_t)1 << 20)
#define PEM_BYTES_MAX     ((size_t)1 << 20)

/* One daemon for each way to greet a connection: libmicrohttpd binds certificate
 * and TLS versions to it. */
struct greeting {
	struct MHD_Daemon *daemon; /* NULL until it is wanted */
	struct server *server;
	bool admin;
};

struct server {
	struct emu *emu;
	struct door *door;
	struct listen_address address;
	struct tls tls;     /* of --tls-ca */
	struct buf cert, key; /* of --tls-cert; empty without */
	/* of the door's thread alone */
	struct greeting admin; /* in plain HTTP */
	struct greeting plain;
	struct greeting secure[CERT_COUNT][TLS_MAX_COUNT];
};

/* What is kept of a connection. */
struct visit {
	struct request *req; /* NULL between requests */
	struct door_guest *guest;
};

static int
socket_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

static void
on_connection(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_ConnectionNotificationCode code)
{
	struct greeting *g = cls;
	struct door *door = g->server->door;
	struct visit *visit;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		visit = *slot = calloc(1, sizeof(*visit));
		if (visit != NULL)
			visit->guest = door_guest(door, socket_of(conn));
		return;
	}
	visit = *slot;
	if (visit == NULL) {
		door_leave(door, door_guest(door, socket_of(conn)));
		return;
	}
	request_free(visit->req);
	door_leave(door, visit->guest);
	free(visit);
}

/* NULL when there was no memory for it. */
static struct visit *
visit_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info;

	info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

static void *
on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
	struct greeting *g = cls;
	struct visit *visit = visit_of(conn);

	if (visit == NULL)
		return NULL;
	visit->req = request_new(g->server->emu, target);
	door_busy(g->server->door, visit->guest, true);
	return visit->req;
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct greeting *g = cls;
	struct visit *visit = visit_of(conn);
	struct request *req = *con_cls;

	(void)code;
	if (req != NULL && req->begun && !req->recorded) {
		req->plan.silent = true; /* the client left first */
		dispatch_record(req);
	}
	request_free(req);
	*con_cls = NULL;
	if (visit == NULL)
		return;
	visit->req = NULL;
	door_busy(g->server->door, visit->guest, false);
}

static enum MHD_Result
answer(struct request *req)
{
	dispatch_record(req);
	return sender_send(req) ? MHD_YES : MHD_NO;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **con_cls)
{
	struct greeting *g = cls;
	struct request *req = *con_cls;
	struct visit *visit;

	(void)url;
	(void)version;
	if (req == NULL || req->target == NULL)
		return MHD_NO;
	if (!req->begun) {
		visit = visit_of(conn);
		if (visit == NULL)
			return MHD_NO;
		req->begun = true;
		req->conn = conn;
		req->client = socket_of(conn);
		req->guest = visit->guest;
		req->admin_door = g->admin;
		return intake_headers(req, method) ? answer(req) : MHD_YES;
	}
	if (*len > 0) {
		bool good = intake_piece(req, data, *len);

		*len = 0;
		if (good)
			return MHD_YES;
		return answer(req);
	}
	dispatch(req);
	return answer(req);
}

static void on_message(void *cls, const char *fmt, va_list ap)
    PRINTF_LIKE(2, 0);

static void
on_message(void *cls, const char *fmt, va_list ap)
{
	struct buf text;

	(void)cls;
	buf_init(&text, 4096);
	if (buf_vprintf(&text, fmt, ap) == 0)
		log_debug("mhd", "%s", buf_text(&text));
	buf_release(&text);
}

static int
load_tls(struct server *s, const struct flags *flags, struct why *why)
{
	const struct {
		const char *path;
		struct buf *text;
	} files[] = {
		{ flags->tls_cert, &s->cert },
		{ flags->tls_key, &s->key },
	};
	int ret;

	if (flags->tls_ca != NULL) {
		ret = tls_make(&s->tls, why);
		if (ret < 0)
			return ret;
		ret = io_write_file(flags->tls_ca, s->tls.authority.data,
		    s->tls.authority.len, 0644);
		return ret < 0 ? why_set(why, ret, "cannot write %s: %s",
				     flags->tls_ca, strerror(-ret))
			       : 0;
	}
	if (flags->tls_cert == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		ret = io_read_file(files[i].path, files[i].text);
		if (ret < 0)
			return why_set(why, ret, "cannot read %s: %s",
			    files[i].path, strerror(-ret));
	}
	return 0;
}

/* cert NULL: plain HTTP.  versions are gnutls's. */
static bool
start_daemon(struct greeting *g, const char *cert, const char *key,
    const char *versions)
{
	const unsigned mode =
	    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
	    MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET |
	    MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)versions },
		{ MHD_OPTION_END, 0, NULL },
	};

	g->daemon = MHD_start_daemon(
	    mode | (cert != NULL ? MHD_USE_TLS : 0u), 0, NULL, NULL, on_request,
	    g,                                                     /* */
	    MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,          /* */
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, /* */
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,          /* */
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,           /* */
	    MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,             /* */
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, g,        /* */
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, g,             /* */
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, g,          /* */
	    MHD_OPTION_ARRAY, cert != NULL ? tls_options : &tls_options[3],
	    MHD_OPTION_END);
	return g->daemon != NULL;
}

/* The daemon for the next connection, by the settings of now. */
static struct greeting *
greeting_of(struct server *s, bool admin)
{
	static const char *const versions[TLS_MAX_COUNT] = {
		[TLS_MAX_1_3] = "NORMAL",
		[TLS_MAX_1_2] = "NORMAL:-VERS-TLS1.3",
		[TLS_MAX_1_1] = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0",
		[TLS_MAX_1_0] = "NORMAL:-VERS-ALL:+VERS-TLS1.0",
	};
	const struct settings *set = &s->emu->settings;
	int64_t cert = settings_get(set, SET_CERT);
	int64_t max = settings_get(set, SET_TLS_MAX);
	bool own = s->tls.authority.len > 0;
	struct greeting *g;

	if (admin || (!own && s->cert.len == 0)) {
		g = admin ? &s->admin : &s->plain;
		if (g->daemon == NULL && !start_daemon(g, NULL, NULL, NULL))
			return NULL;
		return g;
	}
	g = &s->secure[own ? cert : CERT_GOOD][max];
	if (g->daemon == NULL &&
	    !start_daemon(g, own ? s->tls.leaf[cert].cert.data : s->cert.data,
		own ? s->tls.leaf[cert].key.data : s->key.data, versions[max]))
		return NULL;
	return g;
}

static bool
serve(void *ctx, int fd, bool admin)
{
	struct greeting *g = greeting_of(ctx, admin);
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	if (g == NULL) {
		(void)close(fd);
		return false;
	}
	if (getpeername(fd, (struct sockaddr *)&addr, &len) < 0)
		len = sizeof(struct sockaddr_in); /* it has gone again */
	/* Closes it when it fails. */
	return MHD_add_connection(g->daemon, fd, (struct sockaddr *)&addr,
		   len) == MHD_YES;
}

static struct server *
server_new(struct emu *emu)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->emu = emu;
	buf_init(&s->cert, PEM_BYTES_MAX);
	buf_init(&s->key, PEM_BYTES_MAX);
	s->admin = (struct greeting){ NULL, s, true };
	s->plain = (struct greeting){ NULL, s, false };
	for (size_t i = 0; i < CERT_COUNT; i++)
		for (size_t k = 0; k < TLS_MAX_COUNT; k++)
			s->secure[i][k] = (struct greeting){ NULL, s, false };
	return s;
}

/* The first daemon starts at once: a bad certificate is said before anybody
 * comes. */
int
server_start(struct emu *emu, struct server **out, struct why *why)
{
	struct server *s = server_new(emu);
	int ret;

	if (s == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	ret = listen_parse(emu->flags.listen, &s->address, why);
	if (ret == 0)
		ret = load_tls(s, &emu->flags, why);
	if (ret == 0)
		ret = door_open(&s->address, emu->flags.admin_port_file != NULL,
		    &emu->settings, emu->halt, &s->door, why);
	if (ret == 0 && greeting_of(s, false) == NULL)
		ret = why_set(why, -EINVAL,
		    s->cert.len > 0 ? "cannot serve TLS: bad certificate or key"
				    : "cannot start the HTTP server");
	if (ret == 0) {
		emu->door = s->door;
		ret = door_start(s->door, serve, s);
		if (ret < 0)
			ret = why_set(why, ret, "cannot start a thread");
	}
	if (ret < 0) {
		server_stop(s);
		return ret;
	}
	*out = s;
	return 0;
}

static void
stop_daemon(struct greeting *g)
{
	if (g->daemon != NULL)
		MHD_stop_daemon(g->daemon);
}

void
server_stop(struct server *s)
{
	if (s == NULL)
		return;
	door_stop(s->door);
	stop_daemon(&s->admin);
	stop_daemon(&s->plain);
	for (size_t i = 0; i < CERT_COUNT; i++)
		for (size_t k = 0; k < TLS_MAX_COUNT; k++)
			stop_daemon(&s->secure[i][k]);
	s->emu->door = NULL;
	door_free(s->door);
	tls_release(&s->tls);
	buf_release(&s->cert);
	buf_release(&s->key);
	free(s);
}

uint16_t
server_port(const struct server *s)
{
	return door_port(s->door);
}

uint16_t
server_admin_port(const struct server *s)
{
	return door_admin_port(s->door);
}

const char *
server_host(const struct server *s)
{
	return s->address.host;
}
