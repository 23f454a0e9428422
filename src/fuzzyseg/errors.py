"""The exception a user's input can cause."""


class InputError(ValueError):
    """Input that cannot be used.

    The message is one line that says what was expected, what was found and what to
    do about it. The command line prints it without a traceback and exits with 2.
    """


class TooWideError(InputError):
    """A body that does not fit where it should; another one may."""


class SourceError(InputError):
    """DICOM headers from which no DICOM result can be made; other results can."""
