"""The packages that are known beforehand: of these only a class on a list of ours may be an object's."""

from __future__ import annotations

__all__ = ["CLOSED"]

# The standard library of Python 3.6 to 3.14 on every system, its private parts and its tests; and the two modules that
# it imports by itself where somebody put one. A module of IRIX (al, cd, fl, gl ...) is left out: no Python of today has
# them, and the names are people's own.
PYTHON_3 = """
__future__ __hello__ __phello__ _abc _aix_support _android_support _apple_support _ast _ast_unparse _asyncio _bisect
_blake2 _bootlocale _bootstrap_external _bootsubprocess _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022
_codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _colorize _compat_pickle _compression _contextvars
_crypt _csv _ctypes _ctypes_test _curses _curses_panel _datetime _dbm _decimal _dummy_thread _dummy_threading
_elementtree _frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _hmac _imp
_interpchannels _interpqueues _interpreters _io _ios_support _json _locale _lsprof _lzma _manylinux _markupbase
_math _md5 _msi _multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support _overlapped
_peg_parser _pickle _posixshmem _posixsubprocess _py_abc _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl
_queue _random _remote_debugging _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3
_sre _ssl _stat _statistics _string _stringio _strptime _struct _suggestions _symtable _sysconfig _sysconfigdata
_testbuffer _testcapi _testclinic _testclinic_limited _testconsole _testexternalinspection _testimportmultiple
_testinternalcapi _testlimitedcapi _testmultiphase _testsinglephase _thread _threading_local _tkinter _tokenize
_tracemalloc _types _typing _uuid _warnings _weakref _weakrefset _winapi _wmi _xxinterpchannels _xxsubinterpreters
_xxtestfuzz _zoneinfo _zstd abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit
audioop base64 bdb binascii binhex bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs
codeop collections colorsys compileall compression concurrent configparser contextlib contextvars copy copyreg crypt
csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest dummy_threading email encodings
ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc
genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp
importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma macpath macurl2path
mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath
nturl2path numbers opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil
platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat
queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex
shutil signal site sitecustomize smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants
sre_parse ssl stat statistics string stringprep struct subprocess sunau symbol symtable sys sysconfig syslog
tabnanny tarfile telnetlib tempfile termios test textwrap this threading time timeit tkinter token tokenize tomllib
trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib usercustomize uu uuid
venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc xxlimited xxlimited_35
xxlimited_3_13 xxsubtype zipapp zipfile zipimport zlib zoneinfo
"""

# What Python 2.7 had beyond that: a pickle may name them, and Python 3 renames many before it imports.
PYTHON_2 = """
BaseHTTPServer Bastion CDROM CGIHTTPServer Canvas Carbon ColorPicker ConfigParser Cookie DLFCN Dialog
DocXMLRPCServer EasyDialogs FileDialog FixTk FrameWork HTMLParser IN MacOS MimeWriter MiniAEFrame PixMapWrapper
Queue SUNAUDIODEV ScrolledText SimpleDialog SimpleHTTPServer SimpleXMLRPCServer SocketServer StringIO TYPES Tix
Tkconstants Tkdnd Tkinter UserDict UserList UserString _LWPCookieJar _MozillaCookieJar _Res __builtin__ _abcoll
_bsddb _builtinSuites _hotshot _sha _subprocess _winreg aepack aetools aetypes anydbm applesingle audiodev autoGIL
bgenlocations bsddb bsddb185 buildtools cPickle cStringIO cfmfile commands compiler cookielib copy_reg dbhash
dircache dl dumbdbm dummy_thread exceptions findertools fpformat future_builtins gdbm gensuitemodule gestalt hotshot
htmlentitydefs htmllib httplib icglue icopen ihooks imageop imputil linuxaudiodev macerrors macostools macresource
markupbase md5 mhlib mimetools mimify multifile mutex new os2 os2emxpath popen2 posixfile repr rexec rfc822 rgbimg
robotparser sets sgmllib sha sre statvfs stringold strop sunaudio sunaudiodev terminalcommand thread tkColorChooser
tkCommonDialog tkFileDialog tkFont tkMessageBox tkSimpleDialog toaiff ttk urllib2 urlparse user videoreader whichdb
xmllib xmlrpclib
"""

# What torch, scikit-learn, transformers, mlflow and Jupyter install, all they depend on, and the installers; torch's
# and Jupyter's own packages among them. Resolved with transformers 5.24, mlflow 3.17, scikit-learn 1.9, jupyter 1.1 and
# torch 2.13. Folders that a package drops beside its own (tests, docs, examples) are left out: they are people's own.
DEPENDENCIES = """
IPython PIL _argon2_cffi_bindings _cffi_backend _distutils_hack _yaml aiohappyeyeballs aiohttp aiosignal alembic
annotated_doc annotated_types anyio argon2 arrow asttokens async_lru attr attrs babel bleach blinker bs4 cachetools
certifi cffi charset_normalizer click cloudpickle comm contourpy cryptography cycler databricks dateutil debugpy
defusedxml docker dotenv executing fastapi fastjsonschema filelock flask flask_cors fontTools fqdn frozenlist fsspec
functorch git gitdb google graphene graphql graphql_relay gunicorn h11 hf_xet httpcore httpcore2 httpx httpx2 huey
huggingface_hub idna importlib_metadata ipykernel ipykernel_launcher ipython_pygments_lexers ipywidgets isoduration
isympy itsdangerous jedi jinja2 joblib json5 jsonpointer jsonschema jsonschema_specifications jupyter
jupyter_builder jupyter_client jupyter_console jupyter_core jupyter_events jupyter_lsp jupyter_server
jupyter_server_terminals jupyterlab jupyterlab_pygments jupyterlab_server jupyterlab_widgets kiwisolver lark mako
markdown_it markupsafe matplotlib matplotlib_inline mdurl mistune mlflow mpl_toolkits mpmath multidict narwhals
nbclient nbconvert nbformat nest_asyncio2 networkx notebook notebook_shim numpy opentelemetry overrides packaging
pandas pandocfilters parso pexpect pip platformdirs prettytable prometheus_client prompt_toolkit propcache psutil
ptyprocess pure_eval pyarrow pyasn1 pyasn1_modules pycparser pydantic pydantic_core pygments pylab pyparsing
pythonjsonlogger referencing regex requests rfc3339_validator rfc3986_validator rfc3987_syntax rich rpds safetensors
scipy send2trash setuptools shellingham six sklearn skops smmap soupsieve sqlalchemy sqlparse stack_data starlette
sympy terminado threadpoolctl tinycss2 tokenizers torch torchgen tornado tqdm traitlets transformers truststore
typer typing_extensions typing_inspection tzdata uri_template urllib3 uvicorn wcwidth webcolors webencodings
websocket werkzeug widgetsnbextension yaml yarl zipp zmq
"""

# What their earlier releases, and those for other systems, depended on.
EARLIER = """
appnope async_generator backcall boto3 botocore caffe2 chardet colorama cuda databricks_cli decorator easy_install
entrypoints exceptiongroup future greenlet importlib_resources ipython_genutils jmespath jupyterlab_launcher jwt
libfuturize libpasteurize nbclassic nest_asyncio nvidia oauthlib opt_einsum past pathlib2 pickleshare pkg_resources
pvectorc pyrsistent pythoncom pytorch_triton pytz pywin32_bootstrap pywintypes qtconsole qtpy querystring_parser
ruamel s3transfer sacremoses simplegeneric simplejson tabulate tensorboard testpath tomli triton waitress wheel
win32api win32com win32con winpty zstandard
"""

CLOSED: frozenset[str] = frozenset(f"{PYTHON_3} {PYTHON_2} {DEPENDENCIES} {EARLIER} modelcypher_nb".split())
