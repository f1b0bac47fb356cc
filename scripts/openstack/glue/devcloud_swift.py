"""For Swift's servers: their log goes to standard error alone. They would send it to syslog, too: to this machine's own, or where
there is none by UDP, from a port that is open to all the world.
"""
from logging.handlers import SysLogHandler


def no_syslog(conf, name, to_console, route, fmt, logger, adapter):
    for handler in [h for h in logger.handlers if isinstance(h, SysLogHandler)]:
        logger.removeHandler(handler)
        handler.close()
