/* base/attr.h: compiler attributes under readable names. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define WARN_UNUSED	 __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNUSED		 __attribute__((unused))

/* clang's thread-safety analysis; gcc ignores it. */
#if defined(__clang__)
#define CAPABILITY(x)	 __attribute__((capability(x)))
#define ACQUIRES(...)	 __attribute__((acquire_capability(__VA_ARGS__)))
#define RELEASES(...)	 __attribute__((release_capability(__VA_ARGS__)))
#define REQUIRES(...)	 __attribute__((requires_capability(__VA_ARGS__)))
#define EXCLUDES(...)	 __attribute__((locks_excluded(__VA_ARGS__)))
#define NO_THREAD_CHECK	 __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define ACQUIRES(...)
#define RELEASES(...)
#define REQUIRES(...)
#define EXCLUDES(...)
#define NO_THREAD_CHECK
#endif

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
