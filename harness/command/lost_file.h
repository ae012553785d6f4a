/*
 * Files that are mapped (support/tensor_mapping.h) and lose bytes while they are read, or whose disk fails: there are
 * no bytes to give then, and the process is sent SIGBUS.
 */
#ifndef HARNESS_COMMAND_LOST_FILE_H
#define HARNESS_COMMAND_LOST_FILE_H

/*
 * From now on a read of a mapped file that has no bytes there any more ends the program with one line, which names the
 * file, and exit code 3. What replaces a file when it is whole (support/replacement.h) is left as it was. Any other
 * SIGBUS kills as it always did.
 */
void lost_file_watch(void);

#endif
