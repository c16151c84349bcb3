// The floor of a chain: posix_spawn of a script, one durable 700-byte write before each, nothing else.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int count, char **words) {
  if (count != 4) return 2;
  int steps = atoi(words[2]);
  int journal = open(words[3], O_CREAT | O_RDWR | O_TRUNC, 0600);
  char line[700], room[4096] = {0};
  memset(line, 'x', sizeof line);
  for (int i = 0; i < 256; i++)
    if (write(journal, room, sizeof room) < 0) return 1;
  fsync(journal);
  for (int i = 0; i < steps; i++) {
    if (pwrite(journal, line, sizeof line, (off_t)i * 700 % 900000) < 0 || fdatasync(journal) < 0) return 1;
    char *argv[] = {words[1], NULL};
    pid_t pid;
    int status;
    if (posix_spawn(&pid, words[1], NULL, NULL, argv, environ) != 0) return 1;
    waitpid(pid, &status, 0);
  }
  return 0;
}
