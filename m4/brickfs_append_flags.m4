dnl BRICKFS_APPEND_FLAGS(VARIABLE, FLAGS)
dnl Adds those of FLAGS that the C compiler accepts.
AC_DEFUN([BRICKFS_APPEND_FLAGS], [
  for brickfs_flag in m4_normalize([$2]); do
    AS_VAR_PUSHDEF([brickfs_ok], [brickfs_cv_flag_$brickfs_flag])dnl
    AC_CACHE_CHECK([whether $CC accepts $brickfs_flag], [brickfs_ok], [
      brickfs_saved=$CFLAGS; CFLAGS="$CFLAGS -Werror $brickfs_flag"
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([brickfs_ok], [yes])],
                                             [AS_VAR_SET([brickfs_ok], [no])])
      CFLAGS=$brickfs_saved])
    AS_VAR_IF([brickfs_ok], [yes], [$1="$$1 $brickfs_flag"])
    AS_VAR_POPDEF([brickfs_ok])dnl
  done])
