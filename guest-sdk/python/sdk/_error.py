"""How a filter fails: by an exception, whose words are the operator's."""


class Error(Exception):
    """A failure in words. The gateway counts it, logs exactly these words, and applies the filter's `on_error`.

    Any other exception does as well; its type and its place in the code are told with it.
    """
