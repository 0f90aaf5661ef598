/* Within the SDK: memory and handles that go when a call has ended. */
#ifndef POSTERN_MEMORY_H
#define POSTERN_MEMORY_H

#include "postern.h"

/* A client's handle that is the filter's own, to let go of when the handler has returned. */
void postern_owns_client(int32_t handle);
/* Lets go of them: the handler has returned, and postern can still be asked. */
void postern_handler_returned(void);

/* Gives back all that postern_allocate() gave: postern has read what was returned. Nothing can be asked of it then. */
void postern_call_ended(void);

/* A copy in memory of the call's. Nothing stays nothing. */
postern_string postern_copy(postern_string string);

#endif
