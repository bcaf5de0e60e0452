"""Where Python 3 looks for a name that Python 2 wrote: pickle renames it so before it imports anything.

Source: the tables of the standard library's `_compat_pickle`, 3.11, which every Python 3 applies to protocols 0 to 2.
Frozen here, so that a verdict doesn't follow the Python that runs.
"""

from __future__ import annotations

__all__ = ["map_name"]

# Whole modules: the old name, the new one.
MODULES = {
    "__builtin__": "builtins", "copy_reg": "copyreg", "Queue": "queue", "SocketServer": "socketserver",
    "ConfigParser": "configparser", "repr": "reprlib", "commands": "subprocess", "cPickle": "pickle",
    "thread": "_thread", "dummy_thread": "_dummy_thread", "markupbase": "_markupbase", "_winreg": "winreg",
    "_abcoll": "collections.abc", "_elementtree": "xml.etree.ElementTree", "test.test_support": "test.support",
    "UserDict": "collections", "UserList": "collections", "UserString": "collections",
    "StringIO": "io", "cStringIO": "io",
    "anydbm": "dbm", "whichdb": "dbm", "dbm": "dbm.ndbm", "gdbm": "dbm.gnu", "dumbdbm": "dbm.dumb", "dbhash": "dbm.bsd",
    "urllib2": "urllib.request", "urlparse": "urllib.parse", "robotparser": "urllib.robotparser",
    "httplib": "http.client", "Cookie": "http.cookies", "cookielib": "http.cookiejar", "BaseHTTPServer": "http.server",
    "SimpleHTTPServer": "http.server", "CGIHTTPServer": "http.server", "HTMLParser": "html.parser",
    "htmlentitydefs": "html.entities", "xmlrpclib": "xmlrpc.client", "SimpleXMLRPCServer": "xmlrpc.server",
    "DocXMLRPCServer": "xmlrpc.server",
    "Tkinter": "tkinter", "Tix": "tkinter.tix", "ttk": "tkinter.ttk", "Tkdnd": "tkinter.dnd",
    "Tkconstants": "tkinter.constants", "ScrolledText": "tkinter.scrolledtext", "Dialog": "tkinter.dialog",
    "FileDialog": "tkinter.filedialog", "SimpleDialog": "tkinter.simpledialog", "tkFileDialog": "tkinter.filedialog",
    "tkSimpleDialog": "tkinter.simpledialog", "tkColorChooser": "tkinter.colorchooser",
    "tkCommonDialog": "tkinter.commondialog", "tkFont": "tkinter.font", "tkMessageBox": "tkinter.messagebox",
}  # fmt: skip
# Single names; they go before their module's own entry. A new module without a new name keeps the name.
SINGLE = {
    "__builtin__.xrange": "builtins.range", "__builtin__.reduce": "functools.reduce",
    "__builtin__.intern": "sys.intern",
    "__builtin__.unichr": "builtins.chr", "__builtin__.unicode": "builtins.str",
    "__builtin__.basestring": "builtins.str",
    "__builtin__.long": "builtins.int",
    "itertools.izip": "builtins.zip", "itertools.imap": "builtins.map", "itertools.ifilter": "builtins.filter",
    "itertools.ifilterfalse": "itertools.filterfalse", "itertools.izip_longest": "itertools.zip_longest",
    "UserDict.UserDict": "collections.UserDict", "UserDict.IterableUserDict": "collections.UserDict",
    "UserList.UserList": "collections.UserList", "UserString.UserString": "collections.UserString",
    "whichdb.whichdb": "dbm.whichdb", "_socket.fromfd": "socket.fromfd", "socket._socketobject": "socket.SocketType",
    "_multiprocessing.Connection": "multiprocessing.connection.Connection",
    "multiprocessing.process.Process": "multiprocessing.context.Process",
    "multiprocessing.forking.Popen": "multiprocessing.popen_fork.Popen",
    "urllib2.HTTPError": "urllib.error.HTTPError", "urllib2.URLError": "urllib.error.URLError",
    "urllib.ContentTooShortError": "urllib.error.ContentTooShortError",
    "exceptions.StandardError": "builtins.Exception",
}  # fmt: skip
# Old modules of which some names moved elsewhere, unchanged.
MOVED = {
    ("multiprocessing", "multiprocessing.context"): "AuthenticationError BufferTooShort ProcessError TimeoutError",
    ("urllib", "urllib.parse"): "quote quote_plus unquote unquote_plus urlencode",
    ("urllib", "urllib.request"): "getproxies pathname2url url2pathname urlcleanup urlopen urlretrieve",
    ("exceptions", "builtins"): (
        "ArithmeticError AssertionError AttributeError BaseException BufferError BytesWarning DeprecationWarning "
        "EOFError EnvironmentError Exception FloatingPointError FutureWarning GeneratorExit IOError ImportError "
        "ImportWarning IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError "
        "NotImplementedError OSError OverflowError PendingDeprecationWarning ReferenceError RuntimeError "
        "RuntimeWarning StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TypeError "
        "UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning "
        "UserWarning ValueError Warning ZeroDivisionError"
    ),
}
NAMES: dict[tuple[str, str], tuple[str, str]] = {
    **{
        (old.rpartition(".")[0], old.rpartition(".")[2]): (new.rpartition(".")[0], new.rpartition(".")[2])
        for old, new in SINGLE.items()
    },
    **{(old, name): (new, name) for (old, new), names in MOVED.items() for name in names.split()},
}


def map_name(module: str, name: str) -> tuple[str, str]:
    """The module and name that Python 3 imports for what Python 2 wrote; what was never renamed stays."""
    renamed = NAMES.get((module, name))
    return renamed if renamed is not None else (MODULES.get(module, module), name)
