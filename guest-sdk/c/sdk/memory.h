/* Within the SDK: memory and handles that go when a call has ended. */
#ifndef POSTERN_MEMORY_H
#define POSTERN_MEMORY_H

#include "postern.h"

/* Lets go of all that postern_allocate() gave and of all handles that postern_owns() was told. */
void postern_call_ended(void);

/* A client's handle that is the filter's own, to let go of when the call has ended. */
void postern_owns_client(int32_t handle);

/* A copy in memory of the call's. Nothing stays nothing. */
postern_string postern_copy(postern_string string);

#endif
