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
#include "emu/intake.h"
#include "emu/listen.h"
#include "emu/request.h"
#include "emu/sender.h"

#include "base/banned.h"

#define CONNECTION_MEMORY ((size_t)256 << 10)
#define CONNECTIONS_MAX   512u
#define IDLE_SECONDS      60u
#define STACK_BYTES       ((size_t)1 << 20)
#define PEM_BYTES_MAX     ((size_t)1 << 20)

struct server {
	struct MHD_Daemon *daemon;
	struct listen_address address;
	uint16_t port;
	struct buf cert, key; /* empty without TLS */
};

static void
on_connection(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_ConnectionNotificationCode code)
{
	struct request **req;

	(void)cls;
	(void)conn;
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*slot = calloc(1, sizeof(*req));
		return;
	}
	req = *slot;
	if (req != NULL)
		request_free(*req);
	free(req);
}

/* NULL when there was no memory for it. */
static struct request **
slot_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info;

	info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

static void *
on_target(void *cls, const char *target, struct MHD_Connection *conn)
{
	struct request **req = slot_of(conn);

	if (req == NULL)
		return NULL;
	*req = request_new(cls, target);
	return *req;
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
    enum MHD_RequestTerminationCode code)
{
	struct request **slot = slot_of(conn), *req = *con_cls;

	(void)cls;
	(void)code;
	if (req != NULL && req->begun && !req->recorded) {
		req->plan.silent = true; /* the client left first */
		dispatch_record(req);
	}
	request_free(req);
	*con_cls = NULL;
	if (slot != NULL)
		*slot = NULL;
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
	struct request *req = *con_cls;
	const union MHD_ConnectionInfo *info;

	(void)cls;
	(void)url;
	(void)version;
	if (req == NULL || req->target == NULL)
		return MHD_NO;
	if (!req->begun) {
		req->begun = true;
		req->conn = conn;
		info = MHD_get_connection_info(
		    conn, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info != NULL)
			req->client = info->connect_fd;
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

	if (flags->tls_cert == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int ret = io_read_file(files[i].path, files[i].text);

		if (ret < 0)
			return why_set(why, ret, "cannot read %s: %s",
			    files[i].path, strerror(-ret));
	}
	return 0;
}

static int
start_daemon(struct server *s, struct emu *emu, int fd, struct why *why)
{
	const unsigned mode = MHD_USE_THREAD_PER_CONNECTION |
			      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			      MHD_USE_ERROR_LOG;
	const bool tls = s->cert.len > 0;
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key.data },
		{ MHD_OPTION_END, 0, NULL },
	};

	s->daemon = MHD_start_daemon(mode | (tls ? MHD_USE_TLS : 0u), 0, NULL,
	    NULL, on_request, emu,                                 /* */
	    MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,          /* */
	    MHD_OPTION_LISTEN_SOCKET, fd,                          /* */
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, /* */
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,          /* */
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,           /* */
	    MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,             /* */
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,     /* */
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, emu,           /* */
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, emu,        /* */
	    MHD_OPTION_ARRAY, tls ? tls_options : &tls_options[2], /* */
	    MHD_OPTION_END);
	if (s->daemon != NULL)
		return 0;
	return why_set(why, -EINVAL,
	    tls ? "cannot serve TLS: bad certificate or key"
		: "cannot start the HTTP server");
}

int
server_start(struct emu *emu, struct server **out, struct why *why)
{
	struct server *s = calloc(1, sizeof(*s));
	int fd = -1, ret;

	if (s == NULL)
		return why_set(why, -ENOMEM, "out of memory");
	buf_init(&s->cert, PEM_BYTES_MAX);
	buf_init(&s->key, PEM_BYTES_MAX);
	ret = listen_parse(emu->flags.listen, &s->address, why);
	if (ret == 0)
		ret = load_tls(s, &emu->flags, why);
	if (ret == 0) {
		fd = listen_open(&s->address, why);
		ret = fd < 0 ? fd : listen_port(fd, &s->port);
	}
	if (ret == 0)
		ret = start_daemon(s, emu, fd, why);
	if (ret < 0) {
		if (fd >= 0)
			(void)close(fd);
		server_stop(s);
		return ret;
	}
	*out = s;
	return 0;
}

void
server_stop(struct server *s)
{
	if (s == NULL)
		return;
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon); /* closes the socket, too */
	buf_release(&s->cert);
	buf_release(&s->key);
	free(s);
}

uint16_t
server_port(const struct server *s)
{
	return s->port;
}

const char *
server_host(const struct server *s)
{
	return s->address.host;
}
