#include "postern/postern.h"

/* Drops what says a word: `word` in the filter's configuration, or "unsubscribe". */
postern_verdict on_message(postern_message message)
{
    postern_string word = postern_or(postern_config("word"), "unsubscribe");
    postern_string text = postern_message_json(message, POSTERN_WHATSAPP_TEXT);

    if (!postern_contains_string(text, word))
        return postern_pass();

    postern_log(POSTERN_INFO, "dropped", "word", word.data, NULL);
    return postern_drop(postern_format("it says %s", word.data).data);
}
