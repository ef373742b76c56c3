"""What a person did wrong, told in one message."""


class UserError(Exception):
    """A mistake that the person at the keyboard can mend.

    The message says what was wrong and where, what was given, what is allowed and what to do.
    The command line prints it alone, without a stack trace, and exits with code 2.
    """
