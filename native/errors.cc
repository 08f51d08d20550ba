#include "errors.h"

#include <cerrno>
#include <cstring>

namespace uncached_io {

namespace {

struct Name {
  int number;
  const char* code;
};

// The errors that opening, writing, reading, truncating and syncing files can give. strerrorname_np would do, but
// it came with glibc 2.32 and other C libraries lack it.
constexpr Name kNames[] = {
    {EACCES, "EACCES"},   {EAGAIN, "EAGAIN"},         {EBADF, "EBADF"},     {EBUSY, "EBUSY"},
    {EDQUOT, "EDQUOT"},   {EEXIST, "EEXIST"},         {EFAULT, "EFAULT"},   {EFBIG, "EFBIG"},
    {EINTR, "EINTR"},     {EINVAL, "EINVAL"},         {EIO, "EIO"},         {EISDIR, "EISDIR"},
    {ELOOP, "ELOOP"},     {EMFILE, "EMFILE"},         {EMLINK, "EMLINK"},   {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENFILE, "ENFILE"},   {ENODATA, "ENODATA"},       {ENODEV, "ENODEV"},   {ENOENT, "ENOENT"},
    {ENOLCK, "ENOLCK"},   {ENOMEM, "ENOMEM"},         {ENOSPC, "ENOSPC"},   {ENOSYS, "ENOSYS"},
    {ENOTDIR, "ENOTDIR"}, {ENOTSUP, "EOPNOTSUPP"},    {ENXIO, "ENXIO"},     {EOVERFLOW, "EOVERFLOW"},
    {EPERM, "EPERM"},     {EPIPE, "EPIPE"},           {EROFS, "EROFS"},     {ESPIPE, "ESPIPE"},
    {ESTALE, "ESTALE"},   {ETIMEDOUT, "ETIMEDOUT"},   {ETXTBSY, "ETXTBSY"}, {EXDEV, "EXDEV"},
    {EREMOTEIO, "EREMOTEIO"}, {EILSEQ, "EILSEQ"},     {ENOTBLK, "ENOTBLK"}, {EUCLEAN, "EUCLEAN"},
    {ECANCELED, "ECANCELED"}, {ENOBUFS, "ENOBUFS"},
};

}  // namespace

std::string ErrorCode(int number) {
  for (const Name& name : kNames) {
    if (name.number == number) return name.code;
  }
  return "UNKNOWN";
}

Napi::Error MakeError(Napi::Env env, const SystemError& error) {
  const std::string code = ErrorCode(error.number);
  std::string message = code + ": " + std::strerror(error.number) + ", " + error.syscall;
  if (!error.path.empty()) message += " '" + error.path + "'";
  Napi::Error result = Napi::Error::New(env, message);
  Napi::Object value = result.Value();
  value.Set("code", code);
  value.Set("errno", -error.number);
  value.Set("syscall", error.syscall);
  if (!error.path.empty()) value.Set("path", error.path);
  return result;
}

}  // namespace uncached_io
