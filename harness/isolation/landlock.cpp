#include "harness/isolation/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace attest::harness {
namespace {

namespace fs = std::filesystem;
using Rights = std::uint64_t;

/// Its structure as of the sixth version, which an older header does not have; an older kernel takes its begin.
struct Ruleset {
  Rights files = 0;
  std::uint64_t network = 0;
  std::uint64_t scoped = 0;
};

constexpr Rights kRead = LANDLOCK_ACCESS_FS_READ_FILE;
/// Of the first version, each whole: executing, reading, writing, making, removing.
constexpr Rights kEvery = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr Rights kTruncate = 1 << 14;
constexpr long kTruncateVersion = 3, kScopesVersion = 6;
constexpr std::uint64_t kScopes = 3;  // abstract sockets, signals

/// Rules, in force from enter() on.
class Domain {
 public:
  explicit Domain(Rights refused)
      : version_(::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION)),
        refused_(refused | (version_ >= kTruncateVersion ? kTruncate : 0)) {
    const bool knows_scopes = version_ >= kScopesVersion;
    const Ruleset rules{refused_, 0, knows_scopes ? kScopes : 0};
    const std::size_t known = knows_scopes ? sizeof rules : sizeof rules.files;
    ruleset_ = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, known, 0));
    error_ = ruleset_ < 0 ? errno : 0;
  }
  ~Domain() {
    if (ruleset_ >= 0) ::close(ruleset_);
  }
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  void allow(Rights access, const fs::path& path) const {
    const int parent = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (parent < 0) return;
    const landlock_path_beneath_attr rule{access & refused_, parent};
    ::syscall(SYS_landlock_add_rule, ruleset_, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    ::close(parent);
  }

  std::string enter() const {
    if (error_ != 0) return std::strerror(error_);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return ::syscall(SYS_landlock_restrict_self, ruleset_, 0) == 0 ? "" : std::strerror(errno);
  }

 private:
  long version_;
  Rights refused_;
  int ruleset_ = -1;
  int error_ = 0;
};

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

/// Landlock knows no exceptions: what lies beside the hidden is allowed, one by one.
void allow_reading(const Domain& domain, const fs::path& path, const std::vector<fs::path>& hidden) {
  if (std::ranges::find(hidden, path) != hidden.end()) return;
  if (std::ranges::none_of(hidden, [&](const fs::path& one) { return is_below(one, path); })) {
    domain.allow(kRead, path);
    return;
  }
  std::error_code unreadable;
  for (const auto& entry : fs::directory_iterator(path, unreadable)) allow_reading(domain, entry.path(), hidden);
}

}  // namespace

std::string allow_reading_all_but(const std::vector<fs::path>& hidden, const fs::path& library) {
  constexpr Rights kDevices = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
  const Domain domain(kEvery & ~(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_DIR));
  allow_reading(domain, "/", hidden);
  domain.allow(kRead, fs::canonical(library));
  domain.allow((kEvery | kTruncate) & ~kDevices, "/dev");  // OpenMP keeps something in /dev/shm
  return domain.enter();
}

std::string forbid_every_file() { return Domain(kEvery).enter(); }

}  // namespace attest::harness
