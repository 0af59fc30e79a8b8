#include "harness/isolation/seccomp.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "harness/isolation/refusal.h"

namespace attest::harness {

#if defined(__x86_64__)
namespace {

struct SystemCall {
  long number;
  const char* name;
  Forbidden what;
  const char* deed;
  int path = -1;  ///< which argument is the path
};

constexpr auto kProcesses = Forbidden::other_processes;
constexpr auto kFiles = Forbidden::files;
constexpr char kStart[] = "start a process", kLook[] = "look into another process", kSignal[] = "send a signal",
               kLeave[] = "leave its process group", kTalk[] = "open a socket", kShare[] = "share memory",
               kLimit[] = "limit another process", kKernel[] = "change the system", kOpen[] = "open a file",
               kMake[] = "make a file", kChange[] = "change a file", kFolder[] = "change the current folder";

constexpr SystemCall kRefused[] = {
    {SYS_clone, "fork", kProcesses, kStart},
    {SYS_fork, "fork", kProcesses, kStart},
    {SYS_vfork, "vfork", kProcesses, kStart},
    {SYS_execve, "execve", kProcesses, kStart},
    {SYS_execveat, "execveat", kProcesses, kStart},
    {SYS_ptrace, "ptrace", kProcesses, kLook},
    {SYS_process_vm_readv, "process_vm_readv", kProcesses, kLook},
    {SYS_process_vm_writev, "process_vm_writev", kProcesses, kLook},
    {SYS_pidfd_open, "pidfd_open", kProcesses, kLook},
    {SYS_perf_event_open, "perf_event_open", kProcesses, kLook},
    {SYS_kill, "kill", kProcesses, kSignal},
    {SYS_tkill, "tkill", kProcesses, kSignal},
    {SYS_tgkill, "tgkill", kProcesses, kSignal},
    {SYS_rt_sigqueueinfo, "sigqueue", kProcesses, kSignal},
    {SYS_rt_tgsigqueueinfo, "sigqueue", kProcesses, kSignal},
    {SYS_setpgid, "setpgid", kProcesses, kLeave},
    {SYS_setsid, "setsid", kProcesses, kLeave},
    {SYS_socket, "socket", kProcesses, kTalk},
    {SYS_socketpair, "socketpair", kProcesses, kTalk},
    {SYS_shmget, "shmget", kProcesses, kShare},
    {SYS_shmat, "shmat", kProcesses, kShare},
    {SYS_msgget, "msgget", kProcesses, kShare},
    {SYS_mq_open, "mq_open", kProcesses, kShare},
    {SYS_mremap, "mremap", kProcesses, kShare},
    {SYS_prlimit64, "prlimit", kProcesses, kLimit},
    {SYS_setpriority, "setpriority", kProcesses, kLimit},
    {SYS_unshare, "unshare", kProcesses, kKernel},
    {SYS_setns, "setns", kProcesses, kKernel},
    {SYS_mount, "mount", kProcesses, kKernel},
    {SYS_umount2, "umount", kProcesses, kKernel},
    {SYS_bpf, "bpf", kProcesses, kKernel},
    {SYS_reboot, "reboot", kProcesses, kKernel},
    {SYS_open, "open", kFiles, kOpen, 0},
    {SYS_openat, "openat", kFiles, kOpen, 1},
    {SYS_openat2, "openat2", kFiles, kOpen, 1},
    {SYS_open_by_handle_at, "open_by_handle_at", kFiles, kOpen},
    {SYS_creat, "creat", kFiles, kMake, 0},
    {SYS_memfd_create, "memfd_create", kFiles, kMake, 0},
    {SYS_mkdir, "mkdir", kFiles, kMake, 0},
    {SYS_mkdirat, "mkdirat", kFiles, kMake, 1},
    {SYS_mknod, "mknod", kFiles, kMake, 0},
    {SYS_mknodat, "mknodat", kFiles, kMake, 1},
    {SYS_link, "link", kFiles, kMake, 1},
    {SYS_linkat, "linkat", kFiles, kMake, 3},
    {SYS_symlink, "symlink", kFiles, kMake, 1},
    {SYS_symlinkat, "symlinkat", kFiles, kMake, 2},
    {SYS_rename, "rename", kFiles, kChange, 0},
    {SYS_renameat, "renameat", kFiles, kChange, 1},
    {SYS_renameat2, "renameat2", kFiles, kChange, 1},
    {SYS_unlink, "unlink", kFiles, kChange, 0},
    {SYS_unlinkat, "unlinkat", kFiles, kChange, 1},
    {SYS_rmdir, "rmdir", kFiles, kChange, 0},
    {SYS_truncate, "truncate", kFiles, kChange, 0},
    {SYS_chmod, "chmod", kFiles, kChange, 0},
    {SYS_fchmodat, "fchmodat", kFiles, kChange, 1},
    {SYS_chown, "chown", kFiles, kChange, 0},
    {SYS_fchownat, "fchownat", kFiles, kChange, 1},
    {SYS_setxattr, "setxattr", kFiles, kChange, 0},
    {SYS_utimensat, "utimensat", kFiles, kChange, 1},
    {SYS_chdir, "chdir", kFiles, kFolder, 0},
    {SYS_fchdir, "fchdir", kFiles, kFolder},
};

// --- the filter ----------------------------------------------------------------------------------------------------

using Filter = std::vector<sock_filter>;

constexpr std::uint32_t argument(std::size_t index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
}

void load(Filter& filter, std::size_t offset) {
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
}
void result(Filter& filter, std::uint32_t value) { filter.push_back(BPF_STMT(BPF_RET | BPF_K, value)); }

/// The next `length` instructions are for this value of what was loaded only.
void only_if(Filter& filter, std::uint32_t value, std::uint8_t length) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, length));
}

std::uint32_t error(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

/// The low half of an argument decides: `test` lets the call through, or not.
void allow_where(Filter& filter, long number, std::size_t index, sock_filter test) {
  only_if(filter, static_cast<std::uint32_t>(number), 4);
  load(filter, argument(index));
  filter.push_back(test);
  result(filter, SECCOMP_RET_TRAP);
  result(filter, SECCOMP_RET_ALLOW);
}

/// What a part of a program may ask of its own process: threads, signals to itself, limits that it reads.
void allow_to_itself(Filter& filter) {
  const auto self = static_cast<std::uint32_t>(::getpid());
  const auto is = [](std::uint32_t value) -> sock_filter { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0); };
  allow_where(filter, SYS_clone, 0, BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
  for (const long signal : {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo}) {
    allow_where(filter, signal, 0, is(self));
  }
  allow_where(filter, SYS_prlimit64, 0, is(0));
  // An old size of 0 maps the same shared memory a second time, where it would outlive its call.
  allow_where(filter, SYS_mremap, 1, BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 1, 0));
}

/// Refused with an error, since C libraries try these and go on without. Afterwards the call's number is loaded again.
void answer_with_errors(Filter& filter) {
  for (const long number : {SYS_clone3, SYS_io_uring_setup}) {
    only_if(filter, static_cast<std::uint32_t>(number), 1);
    result(filter, error(ENOSYS));
  }
  only_if(filter, SYS_rt_sigaction, 4);  // the handler of these very refusals stays
  load(filter, argument(0));
  only_if(filter, SIGSYS, 1);
  result(filter, error(EPERM));
  result(filter, SECCOMP_RET_ALLOW);
}

Filter filter_of(Forbidden what) {
  Filter filter;
  load(filter, offsetof(seccomp_data, arch));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  result(filter, SECCOMP_RET_KILL_PROCESS);
  load(filter, offsetof(seccomp_data, nr));
  constexpr std::uint32_t kX32 = 0x40000000;  // numbers of another interface to the same calls
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1));
  result(filter, SECCOMP_RET_KILL_PROCESS);
  if (what == Forbidden::other_processes) {
    answer_with_errors(filter);
    allow_to_itself(filter);
  }
  for (const SystemCall& call : kRefused) {
    if (call.what != what) continue;
    only_if(filter, static_cast<std::uint32_t>(call.number), 1);
    result(filter, SECCOMP_RET_TRAP);
  }
  result(filter, SECCOMP_RET_ALLOW);
  return filter;
}

// --- what happens then ---------------------------------------------------------------------------------------------

bool is_about_the_machine(const char* path) {
  return std::strncmp(path, "/proc/", 6) == 0 || std::strncmp(path, "/sys/", 5) == 0;
}

void refuse(int, siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  constexpr int kArguments[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10};
  for (const SystemCall& call : kRefused) {
    if (call.number != info->si_syscall) continue;
    if (call.path < 0) end_refused({"tried to ", call.deed, ": `", call.name, "`"});
    const auto* path = reinterpret_cast<const char*>(registers[kArguments[call.path]]);
    if (path == nullptr || is_about_the_machine(path)) {
      registers[REG_RAX] = -EACCES;
      return;
    }
    end_refused({"tried to ", call.deed, ": `", call.name, "` of ", path});
  }
  end_refused({"tried to make a system call that is refused"});
}

}  // namespace

std::string forbid(Forbidden what) {
  if (what == Forbidden::other_processes) {
    struct sigaction action {};
    action.sa_sigaction = refuse;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGSYS, &action, nullptr);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  }
  Filter filter = filter_of(what);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const long failed = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
  if (failed == 0) return "";
  return failed > 0 ? "a thread has filters of its own" : std::strerror(errno);
}

#else

std::string forbid(Forbidden) { return "known for x86-64 only"; }

#endif

}  // namespace attest::harness
