#include "harness/report/report_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fixtures/error.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw InputError("report " + file.string(), "a path that can be written", why);
}

fs::path directory_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

void refuse_if_read_only(const fs::path& file, const fs::path& reported) {
  struct stat found = {};
  if (::stat(file.c_str(), &found) != 0) return;
  if ((found.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0) refuse(reported, file.string() + " is read-only");
}

/// A temporary file beside the report; it is removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& file)
      : target_(file), name_(file.string() + ".tmp-" + std::to_string(::getpid())) {
    descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor_ < 0) refuse(target_, std::strerror(errno));
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!renamed_) ::unlink(name_.c_str());
  }

  void write(const std::string& content) {
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t count = ::write(descriptor_, content.data() + done, content.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) refuse(target_, std::strerror(errno));
      done += static_cast<std::size_t>(count);
    }
  }

  void rename_to_target() {
    if (::fsync(descriptor_) != 0 || ::rename(name_.c_str(), target_.c_str()) != 0)
      refuse(target_, std::strerror(errno));
    renamed_ = true;
  }

 private:
  fs::path target_;
  std::string name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

}  // namespace

void check_writable(const fs::path& file) {
  std::error_code ignored;
  if (file.empty()) refuse(file, "an empty name");
  if (fs::exists(file, ignored) && !fs::is_regular_file(file, ignored))
    refuse(file, "something that is no regular file");
  if (!fs::is_directory(directory_of(file), ignored)) refuse(file, "no directory " + directory_of(file).string());
  refuse_if_read_only(file, file);
  refuse_if_read_only(directory_of(file), file);
  const TemporaryFile probe(file);
}

std::string report_values(const std::vector<std::string>& kinds) {
  return fmt::format("{}=FILE", fmt::join(kinds, "=FILE|"));
}

std::vector<ReportRequest> report_requests(const std::vector<std::string>& reports,
                                           const std::vector<std::string>& kinds) {
  std::vector<ReportRequest> requests;
  for (const auto& report : reports) {
    const std::string kind = report.substr(0, report.find('='));
    if (std::ranges::find(kinds, kind) == kinds.end() || kind.size() == report.size()) {
      throw InputError("--report", fmt::format("{}=FILE", fmt::join(kinds, "=FILE or ")), report);
    }
    const fs::path file = report.substr(kind.size() + 1);
    const auto is_same = [&](const ReportRequest& other) {
      return fs::weakly_canonical(other.file) == fs::weakly_canonical(file);
    };
    if (std::ranges::any_of(requests, is_same)) throw InputError("--report", "a file of its own for each", report);
    requests.push_back({kind, file});
    check_writable(file);
  }
  return requests;
}

void write_atomically(const fs::path& file, const std::string& content) {
  TemporaryFile temporary(file);
  temporary.write(content);
  temporary.rename_to_target();
}

}  // namespace attest::harness
