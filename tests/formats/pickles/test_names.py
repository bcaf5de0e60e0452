"""The names that draw the line: what is closed, what Python 2 called something else, what never gets past."""

from __future__ import annotations

import _compat_pickle
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelcypher_nb.formats.pickles import python2_names
from modelcypher_nb.formats.pickles.closed_names import CLOSED
from modelcypher_nb.formats.pickles.context import Context
from modelcypher_nb.formats.pickles.machine import Machine
from modelcypher_nb.formats.pickles.object_names import OBJECT_CALLS, OBJECT_CLASSES, OBJECT_VALUES
from modelcypher_nb.formats.pickles.python2_names import map_name
from modelcypher_nb.formats.pickles.trusted_names import TRUSTED
from modelcypher_nb.guard.source import BytesSource
from tests.samples.assembler import Built, Call, Name, New, assembled

TOOLS = Path(__file__).parents[3] / "tools"


def verdict(value: object, protocol: int = 2) -> str:
    context = Context("a.pkl")
    Machine(BytesSource(assembled(value, protocol), "a.pkl"), context).run()
    found = {finding.level for finding in context.findings}
    return next((level for level in ("code", "malformed", "objects", "data") if level in found), "weights")


# Python 2


def test_python_2_names_lead_where_pickle_looks_for_them() -> None:
    assert python2_names.MODULES == _compat_pickle.IMPORT_MAPPING
    assert python2_names.NAMES == _compat_pickle.NAME_MAPPING


def test_a_name_that_was_never_renamed_stays() -> None:
    assert map_name("torch._utils", "_rebuild_tensor_v2") == ("torch._utils", "_rebuild_tensor_v2")


def test_a_single_rename_goes_before_its_modules() -> None:
    assert map_name("__builtin__", "unicode") == ("builtins", "str")
    assert map_name("__builtin__", "eval") == ("builtins", "eval")
    assert map_name("urllib", "urlopen") == ("urllib.request", "urlopen")
    assert map_name("commands", "getoutput") == ("subprocess", "getoutput")


# Closed packages


def test_the_whole_standard_library_of_this_python_is_closed() -> None:
    assert set(sys.stdlib_module_names) | set(sys.builtin_module_names) <= CLOSED | {"__main__"}


OTHER_PYTHONS = (
    "__builtin__ commands popen2 os2emxpath imp urllib2 posix nt compression _zstd annotationlib _interpreters "
    "_xxsubinterpreters _posixsubprocess _io distutils lib2to3 test sitecustomize"
)


@pytest.mark.parametrize("name", OTHER_PYTHONS.split())
def test_what_another_python_had_is_closed_too(name: str) -> None:
    assert name in CLOSED


def import_names(distribution: importlib.metadata.Distribution) -> set[str]:
    names = set()
    for file in distribution.files or ():
        top = file.parts[0]
        if file.suffix in {".py", ".so"} and top != ".." and not top.endswith((".dist-info", ".data")):
            names.add(re.sub(r"\..*", "", top))
    return {name for name in names if name.isidentifier()} - {"tests", "docs", "examples", "__pycache__"}


def dependency_tree(*roots: str) -> list[importlib.metadata.Distribution]:
    todo, found = list(roots), {}
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python
        wanted = [line for line in found[name].requires or () if "extra ==" not in line]
        todo.extend(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted)
    return list(found.values())


def test_every_import_name_that_torch_sklearn_and_jupyter_bring_is_closed() -> None:
    found = dependency_tree("torch", "scikit-learn", "jupyterlab", "ipykernel", "ipywidgets", "pip", "setuptools")
    assert len(found) > 50
    assert {name for distribution in found for name in import_names(distribution)} - CLOSED == set()


@pytest.mark.parametrize("name", ["transformers", "tokenizers", "mlflow", "pyarrow", "sympy", "triton", "caffe2"])
def test_what_transformers_mlflow_and_older_torch_bring_is_closed(name: str) -> None:
    assert name in CLOSED


@pytest.mark.parametrize("name", ["torchvision", "timm", "omegaconf", "pytorch_lightning", "ultralytics", "net"])
def test_a_package_of_somebody_else_stays_open(name: str) -> None:
    assert name not in CLOSED


# Gadgets: named by their module, so that each closed package shows what it is closed for.

CLASSIC = """
builtins eval exec compile getattr setattr delattr __import__ open input breakpoint globals vars map filter print
__builtin__ eval execfile apply reload file input
os system popen execl execv execve execvp spawnl spawnv spawnvp posix_spawn fork kill remove unlink rmdir rename
os chmod putenv
posix system fork execv execve posix_spawn remove
nt system startfile
subprocess Popen run call check_call check_output getoutput getstatusoutput
_posixsubprocess fork_exec
commands getoutput getstatusoutput
popen2 popen2 Popen3
pty spawn fork
runpy run_path run_module _run_code _run_module_as_main
code interact InteractiveInterpreter InteractiveConsole
codeop compile_command
pdb run runeval Pdb
bdb Bdb
timeit timeit repeat Timer
cProfile run runctx Profile
profile run runctx
trace Trace
doctest run_docstring_examples debug_script
webbrowser open get register GenericBrowser BackgroundBrowser
pydoc pipepager tempfilepager safeimport locate importfile
pkgutil resolve_name get_loader get_data
importlib import_module reload __import__
importlib.machinery SourceFileLoader ExtensionFileLoader
imp load_source load_module load_dynamic
zipimport zipimporter
site addsitedir execsitecustomize main
functools partial reduce partialmethod
operator methodcaller attrgetter itemgetter
itertools starmap accumulate
types CodeType FunctionType MethodType new_class
marshal loads load
pickle loads load Unpickler _loads
_pickle loads Unpickler
cPickle loads
shelve open DbfilenameShelf
dbm open
ctypes CDLL PyDLL pythonapi cast string_at memmove
_ctypes dlopen call_function CFuncPtr
logging.config listen dictConfig fileConfig
logging FileHandler
asyncio create_subprocess_exec create_subprocess_shell run
asyncio.unix_events _UnixSubprocessTransport
multiprocessing Process Pool
multiprocessing.util spawnv_passfds _exit_function
multiprocessing.popen_fork Popen
multiprocessing.connection Client Listener
multiprocessing.reduction _reduce_socket rebuild_connection
concurrent.futures ProcessPoolExecutor
concurrent.interpreters create
threading Thread Timer
_thread start_new_thread
signal signal alarm
atexit register
weakref finalize
sched scheduler
http.client HTTPConnection HTTPSConnection
http.server test
urllib.request urlopen urlretrieve URLopener
urllib urlopen
ftplib FTP
smtplib SMTP
poplib POP3
imaplib IMAP4 IMAP4_stream
nntplib NNTP
telnetlib Telnet
socket socket create_connection create_server
socketserver TCPServer
xmlrpc.client ServerProxy
ssl get_server_certificate
shutil rmtree move copyfile unpack_archive make_archive
tempfile mkdtemp NamedTemporaryFile TemporaryDirectory mktemp
pathlib Path.write_text Path.unlink
io open FileIO open_code
_io open FileIO
codecs open
tarfile open TarFile
zipfile ZipFile main
gzip open
fileinput FileInput input
mmap mmap
sqlite3 connect
_sqlite3 connect
idlelib.run Executive
idlelib.pyshell ModifiedInterpreter
idlelib.autocomplete AutoComplete.get_entity
lib2to3.pgen2.pgen ParserGenerator
lib2to3.pgen2.grammar Grammar.loads
distutils.spawn spawn
distutils.core run_setup
distutils.file_util write_file
venv create EnvBuilder
ensurepip bootstrap _run_pip
compileall compile_file
py_compile compile
test.support.script_helper assert_python_ok spawn_python
unittest.mock patch _importer
unittest.loader TestLoader.loadTestsFromName
turtledemo.__main__ DemoWindow
antigravity geohash
sys settrace setprofile setrecursionlimit breakpointhook
gc get_objects
inspect getattr_static
ast literal_eval parse
string Formatter
platform popen
cgitb enable
cmd Cmd
mailcap findmatch
readline read_init_file
rlcompleter Completer.attr_matches
modulefinder ModuleFinder
symtable symtable
sre_compile compile
copyreg add_extension constructor pickle
copy_reg __newobj_ex__
enum EnumMeta
dataclasses make_dataclass
collections namedtuple
typing get_type_hints ForwardRef
abc ABCMeta
contextlib ExitStack
pip main
pip._internal main
pip._internal.cli.main main
setuptools sandbox.run_setup
setuptools._distutils.spawn spawn
pkg_resources EntryPoint.resolve
_distutils_hack add_shim
wheel.cli main
"""
# Dangerous names within the packages that most checkpoints need.
NEIGHBOURS = """
torch load save compile hub.load
torch.serialization load _legacy_load add_safe_globals
torch.hub load load_state_dict_from_url download_url_to_file
torch.jit load CompilationUnit _script.ScriptModule
torch.jit._serialization load
torch.jit.unsupported_tensor_ops execWrapper
torch.utils.collect_env run run_and_read_all get_pip_packages
torch.utils.cpp_extension load load_inline _import_module_from_library
torch.utils.bottleneck.__main__ run_cprofile
torch.utils.data.datapipes.utils.decoder basichandlers
torch.utils.data.datapipes.datapipe _IterDataPipeSerializationWrapper
torch.utils.data.dataloader _MultiProcessingDataLoaderIter
torch.utils._config_module ConfigModule.load_config
torch.utils._cpp_embed_headers read_file
torch._dynamo.guards GuardBuilder.get
torch._dynamo.eval_frame OptimizedModule
torch._inductor.codecache compile_file DLLWrapper AotCodeCompiler
torch._inductor.autotune_process TuningProcess
torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression
torch.fx.graph_module _exec_with_source reduce_graph_module GraphModule
torch.package PackageImporter
torch.distributed.elastic.multiprocessing.api start_processes
torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler SubprocessHandler
torch.distributed.run main
torch.distributed.rpc init_rpc
torch.multiprocessing.reductions rebuild_storage_filename StorageWeakRef
torch.multiprocessing.spawn start_processes
torch.cuda.gds GdsFile
torch.storage UntypedStorage.from_file
torch.ao.nn.sparse.quantized.linear LinearPackedParams
torch.nn.parallel.distributed DistributedDataParallel
torch._C PyTorchFileReader _jit_set_profiling_mode
torch ops.load_library classes.load_library
torch.nn.utils.parametrize type_before_parametrizations
torch.profiler.profiler ExecutionTraceObserver
torch.onnx export
torchgen.utils run
functorch compile.aot_function
caffe2.python.workspace RunOperatorOnce
numpy load save savez fromfile memmap DataSource genfromtxt loadtxt frombuffer fromregex vectorize frompyfunc
numpy.f2py compile run_main
numpy.f2py.crackfortran getlincoef _eval_scalar
numpy.f2py.diagnose run_command
numpy.testing runstring rundocs
numpy.testing._private.utils runstring
numpy.lib._datasource DataSource Repository
numpy.lib.npyio DataSource NpzFile
numpy.lib._npyio_impl DataSource fromregex
numpy.distutils.exec_command exec_command
numpy.distutils.ccompiler_opt _Cache
numpy.ctypeslib load_library
numpy.ma.mrecords fromtextfile
scipy.io loadmat savemat wavfile.read
scipy.io.matlab loadmat
scipy.stats rv_continuous rv_discrete
scipy.stats._distn_infrastructure rv_frozen rv_continuous_frozen rv_generic
scipy.stats._continuous_distns norm_gen
scipy._lib._testutils check_free_memory
scipy.datasets face
scipy.optimize minimize root
sklearn.datasets fetch_openml fetch_20newsgroups load_files load_svmlight_file
sklearn.datasets._openml fetch_openml
sklearn.datasets._base load_files _fetch_remote
sklearn.utils._joblib Memory
sklearn.utils.parallel Parallel _FuncWrapper
sklearn.callback._scoring_monitor ScoringMonitor
sklearn.externals._packaging.version Version
sklearn.utils.fixes delayed
sklearn.utils.estimator_checks check_estimator
joblib load dump Memory Parallel
joblib.memory Memory MemorizedFunc MemorizedResult
joblib.numpy_pickle load NumpyUnpickler
joblib.externals.cloudpickle.cloudpickle _make_function loads
joblib.externals.loky.backend.popen_loky_posix Popen
joblib._store_backends FileSystemStoreBackend
cloudpickle.cloudpickle _make_skeleton_class _make_function subimport
sympy sympify parse_expr lambdify
sympy.core.sympify sympify
sympy.parsing.sympy_parser parse_expr
sympy.utilities.lambdify lambdify
sympy.utilities._compilation.util import_module_from_file
fsspec open filesystem
fsspec.mapping FSMap
fsspec.implementations.local LocalFileSystem LocalFileOpener
fsspec.core OpenFile
transformers AutoModel pipeline
transformers.dynamic_module_utils get_class_from_dynamic_module
transformers.utils.import_utils _LazyModule
huggingface_hub hf_hub_download
mlflow.pyfunc load_model
pandas read_pickle read_csv eval
pandas.io.common get_handle
pandas.core.computation.eval eval
IPython.utils.process system getoutput
IPython embed start_ipython
IPython.core.magics.execution ExecutionMagics
ipykernel.kernelapp launch_new_instance
jupyter_client.manager start_new_kernel
jupyter_client.provisioning.local_provisioner LocalProvisioner
notebook.app main
terminado.management TermManagerBase
ptyprocess PtyProcess
pexpect spawn run
jinja2 Template
jinja2.sandbox SandboxedEnvironment
matplotlib.backends.backend_webagg WebAggApplication
networkx read_gpickle
psutil Popen Process
git Repo.clone_from
docker from_env
gunicorn.app.base Application
click Command
tqdm tqdm
zmq Context
requests get Session
yaml load unsafe_load
yaml.constructor UnsafeConstructor
cffi FFI
modelcypher_nb.operations run
"""


def rows(text: str) -> list[tuple[str, list[str]]]:
    return [(line.split()[0], line.split()[1:]) for line in text.strip().splitlines()]


GADGETS = [pytest.param(module, names, id=module) for module, names in rows(CLASSIC) + rows(NEIGHBOURS)]


def test_there_are_hundreds_of_gadgets() -> None:
    assert sum(len(names) for _, names in rows(CLASSIC)) > 250
    assert sum(len(names) for _, names in rows(NEIGHBOURS)) > 150


@pytest.mark.parametrize(("module", "names"), GADGETS)
def test_a_gadget_is_closed_and_on_no_list(module: str, names: list[str]) -> None:
    for name in names:
        key = map_name(module, name)
        assert key[0].partition(".")[0] in CLOSED
        assert key not in OBJECT_CLASSES | OBJECT_VALUES
        assert key not in OBJECT_CALLS or key == ("builtins", "getattr")
        assert key not in TRUSTED or TRUSTED[key].call is None


@pytest.mark.parametrize(("module", "names"), GADGETS)
def test_a_gadget_is_code_in_every_shape(module: str, names: list[str]) -> None:
    for name in names:
        gadget, layer = Name(module, name), New(Name("torch.nn.modules.linear", "Linear"))
        assert verdict(Call(gadget, ("x",)), 2) == "code"
        assert verdict(Call(gadget, ()), 4) == "code"
        assert verdict(New(gadget), 4) == "code"
        assert verdict(Built(New(gadget), {"a": 1}), 2) == "code"
        assert verdict(Call(Name("copyreg", "_reconstructor"), (gadget, Name("builtins", "object"), None)), 0) == "code"
        assert verdict(Built(layer, {"forward": Call(gadget, ())}), 2) == "code"


@pytest.mark.parametrize(("module", "names"), GADGETS)
def test_a_gadget_that_is_only_held_is_code(module: str, names: list[str]) -> None:
    harmless = {name for name in names if (trusted := TRUSTED.get(map_name(module, name))) and trusted.is_value}
    assert harmless <= {"memmap"}  # a class of arrays, which a dtype's pickle may name
    for name in set(names) - harmless:
        assert verdict([Name(module, name)], 4) == "code"
        assert verdict(Built(New(Name("net", "Net")), {"a": Name(module, name)}), 2) == "code"


OWNERS = {
    "a module": Name("os", "path"),
    "a type": Name("builtins", "str"),
    "a layer": New(Name("torch.nn.modules.linear", "Linear")),
    "a text": "text",
    "nothing": None,
    "somebody's own": New(Name("net", "Net")),
    "a lazy layer": New(Name("torch.nn.modules.linear", "LazyLinear")),
}


@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS.keys())
def test_getattr_gives_only_the_methods_that_were_read(owner: object) -> None:
    assert verdict(Call(Name("builtins", "getattr"), (owner, "relu"))) == "code"
    assert verdict(Call(Name("builtins", "getattr"), (owner, "__class__"))) == "code"
    functions = Name("torch._C", "_VariableFunctionsClass")
    assert verdict(Call(Name("builtins", "getattr"), (functions, "relu"))) == "objects"
    assert verdict(Call(Name("builtins", "getattr"), (functions, "from_file"))) == "code"
    assert verdict(Call(Name("builtins", "getattr"), (functions, "relu", None))) == "code"


# The lists themselves


def test_every_listed_name_is_of_a_closed_package() -> None:
    listed = OBJECT_CLASSES | OBJECT_VALUES | OBJECT_CALLS.keys()
    assert {module.partition(".")[0] for module, _ in listed} - CLOSED == set()


def test_no_class_is_listed_twice_with_different_rules() -> None:
    assert OBJECT_CLASSES & OBJECT_CALLS.keys() == frozenset()
    assert OBJECT_CLASSES & TRUSTED.keys() == frozenset()


@pytest.mark.slow
def test_every_hook_of_every_listed_class_was_read() -> None:
    script = TOOLS / "list_object_names.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Every name is listed and every hook was read.\n"), done.stderr


@pytest.mark.slow
def test_a_class_whose_hook_nobody_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    script = importlib.import_module("list_object_names")

    class Stranger:
        def __del__(self) -> None:
            pass

    assert [fault.split('"')[1].rpartition(".")[2] for fault in script.unread_hooks(Stranger)] == ["__del__"]
