// stop_at MODE N LOG COMMAND...: runs a command and stops it at the Nth call that changes a file, counted over all
// of its threads and child processes.
//
//   count  nothing is stopped; the calls are written to LOG
//   kill   the process that makes call N is killed (SIGKILL) before the call is done
//   full   call N, and every later one that needs room, fails with ENOSPC, as on a full disk
//
// A line of LOG for each call: `NUMBER NAME PATH`, with ` STOPPED` behind those that were stopped. Calls on pipes,
// sockets and terminals change no file and are not counted. Ends with the exit status of the command (128 and the
// number of the signal that ended it). Linux on x86-64.
//
// strace counts calls by thread, and libraries that are preloaded do not see calls that a program makes by itself.
// So this traces the command: a filter (seccomp) stops it at these calls alone.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// How a call names its file: by an open file, by a path, or by a path behind a folder that is open.
enum named { BY_FD, BY_PATH, BY_FOLDER };
static const struct {
  long number;
  const char *name;
  enum named named;
  int argument;
  int needs_room;
} CALLS[] = {
    {SYS_write, "write", BY_FD, 0, 1},
    {SYS_pwrite64, "pwrite64", BY_FD, 0, 1},
    {SYS_writev, "writev", BY_FD, 0, 1},
    {SYS_rename, "rename", BY_PATH, 1, 1},
    {SYS_renameat, "renameat", BY_FOLDER, 2, 1},
    {SYS_renameat2, "renameat2", BY_FOLDER, 2, 1},
    {SYS_unlink, "unlink", BY_PATH, 0, 0},
    {SYS_unlinkat, "unlinkat", BY_FOLDER, 0, 0},
    {SYS_mkdir, "mkdir", BY_PATH, 0, 1},
    {SYS_mkdirat, "mkdirat", BY_FOLDER, 0, 1},
    {SYS_rmdir, "rmdir", BY_PATH, 0, 0},
    {SYS_fsync, "fsync", BY_FD, 0, 1},
    {SYS_fdatasync, "fdatasync", BY_FD, 0, 1},
    {SYS_ftruncate, "ftruncate", BY_FD, 0, 1},
    {SYS_fallocate, "fallocate", BY_FD, 0, 1},
    {SYS_link, "link", BY_PATH, 1, 1},
    {SYS_linkat, "linkat", BY_FOLDER, 2, 1},
    {SYS_symlink, "symlink", BY_PATH, 1, 1},
    {SYS_symlinkat, "symlinkat", BY_FOLDER, 1, 1},
    {SYS_fchmod, "fchmod", BY_FD, 0, 0},
    {SYS_chmod, "chmod", BY_PATH, 0, 0},
    {SYS_copy_file_range, "copy_file_range", BY_FD, 2, 1},
    {SYS_sendfile, "sendfile", BY_FD, 0, 1},
};
#define MANY (sizeof CALLS / sizeof *CALLS)

static void fail(const char *what) {
  perror(what);
  exit(125);
}

// Stops this process, and all that it starts, at the calls above.
static void filter(void) {
  struct sock_filter lines[2 * MANY + 2];
  size_t n = 0;
  lines[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < MANY; i++) {
    lines[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i].number, 0, 1);
    lines[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  }
  lines[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = n, .filter = lines};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
    fail("stop_at: seccomp");
}

static unsigned long long argument(const struct user_regs_struct *r, int i) {
  const unsigned long long all[] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
  return all[i];
}

// The text of a process at an address.
static void text_at(pid_t thread, unsigned long long address, char *into, size_t size) {
  struct iovec here = {into, size - 1}, there = {(void *)address, size - 1};
  ssize_t got = process_vm_readv(thread, &here, 1, &there, 1, 0);
  for (size_t less = 256; got < 0 && less; less /= 2) {  // the text may end where the page does
    there.iov_len = here.iov_len = less;
    got = process_vm_readv(thread, &here, 1, &there, 1, 0);
  }
  into[got < 0 ? 0 : got] = 0;
}

// The file of a call; 0 where it is none, such as a pipe.
static int file_of(pid_t thread, size_t call, const struct user_regs_struct *r, char *path, size_t size) {
  int at = CALLS[call].argument;
  path[0] = 0;
  if (CALLS[call].named != BY_FD) {
    text_at(thread, argument(r, at + (CALLS[call].named == BY_FOLDER)), path, size);
    return 1;
  }
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, (int)argument(r, at));
  ssize_t got = readlink(link, path, size - 1);
  path[got < 0 ? 0 : got] = 0;
  return path[0] == '/' && strncmp(path, "/dev/", 5) && strncmp(path, "/proc/", 6);
}

int main(int many, char **words) {
  if (many < 5) {
    fprintf(stderr, "stop_at count|kill|full N LOG COMMAND...\n");
    return 125;
  }
  int kills = !strcmp(words[1], "kill"), fills = !strcmp(words[1], "full");
  unsigned long stop = strtoul(words[2], NULL, 10), number = 0;
  FILE *log = fopen(words[3], "we");
  int go[2];
  if (!log || pipe2(go, O_CLOEXEC)) fail("stop_at");
  pid_t command = fork();
  if (command < 0) fail("stop_at: fork");
  if (command == 0) {
    char byte;
    close(go[1]);
    if (read(go[0], &byte, 1) != 1) _exit(125);
    filter();
    execvp(words[4], words + 4);
    fail(words[4]);
  }
  long follow = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACESECCOMP |
                PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, command, 0, follow)) fail("stop_at: ptrace");
  if (write(go[1], "", 1) != 1) fail("stop_at: pipe");
  int ended = 125, status;
  for (pid_t thread; (thread = waitpid(-1, &status, __WALL)) > 0;) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread == command) ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    if (!WIFSTOPPED(status)) continue;
    int event = status >> 16, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) {
      struct user_regs_struct r;
      char path[4096];
      size_t call = 0;
      if (!ptrace(PTRACE_GETREGS, thread, 0, &r)) {
        while (call < MANY && CALLS[call].number != (long)r.orig_rax) call++;
        if (call < MANY && file_of(thread, call, &r, path, sizeof path)) {
          number++;
          int stopped = (kills && number == stop) || (fills && number >= stop && CALLS[call].needs_room);
          fprintf(log, "%lu %s %s%s\n", number, CALLS[call].name, path, stopped ? " STOPPED" : "");
          fflush(log);
          if (stopped && kills) {
            kill(thread, SIGKILL);
            continue;
          }
          if (stopped) {
            r.orig_rax = -1;
            r.rax = -ENOSPC;
            ptrace(PTRACE_SETREGS, thread, 0, &r);
          }
        }
      }
      signal = 0;
    } else if (event == PTRACE_EVENT_STOP) {
      // A signal that stops the whole process is left at that; a new thread begins.
      int stays = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
      if (stays) {
        ptrace(PTRACE_LISTEN, thread, 0, 0);
        continue;
      }
      signal = 0;
    } else if (event) {
      signal = 0;
    }
    ptrace(PTRACE_CONT, thread, 0, signal);
  }
  fclose(log);
  return ended;
}
