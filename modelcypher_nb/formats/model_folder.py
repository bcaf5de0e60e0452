"""A folder with a model in it: every weight file judged by content, one set of them chosen as the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import MalformedError, MissingFileError, ModelCypherError, PathRefusedError
from ..guard.names import components
from ..guard.safe_path import Entry, SafePath
from ..guard.secrets import shown
from .folder import is_told
from .magic import recognise
from .model_file import WEIGHT_SUFFIXES, Part, counts_in_a_folder, examine_file, finding_of
from .readers import Terms
from .report import Finding
from .safetensors_header import Header
from .sharded import INDEX_SUFFIXES, prove_cover, read_weight_map

__all__ = ["Survey", "no_weights", "survey"]

ENTRY_LIMIT = 100_000
DISTRIBUTED = ".metadata"  # what torch.distributed.checkpoint unpickles
DEPTH_LIMIT = 8
# Which single file is the model where several lie side by side, as the Hub's libraries choose.
PREFERRED = (
    "model.safetensors", "diffusion_pytorch_model.safetensors", "adapter_model.safetensors", "pytorch_model.bin",
    "diffusion_pytorch_model.bin", "adapter_model.bin",
)  # fmt: skip


@dataclass
class Survey:
    """What was found in a folder.

    Attributes:
        parts: every weight file, by its place in the folder.
        model: the names of those that are the model; the rest only lie beside it.
        index: the index that joins them, where there is one.
        configurations: the configurations, templates and programs, at any depth.
        beside: names that Python would import, for each folder that was looked into.
        findings: what is wrong with the folder itself.
        error: the first fault of the model itself.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    model: tuple[str, ...] = ()
    index: str | None = None
    configurations: list[str] = field(default_factory=list)
    beside: dict[str, frozenset[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    error: ModelCypherError | None = None

    @property
    def base(self) -> str:
        """Where in the folder the model lies, with a closing slash: the one folder that holds all of its files."""
        places = {name.rpartition("/")[0] for name in self.model}
        return f"{places.pop()}/" if len(places) == 1 and "" not in places else ""

    def headers(self) -> dict[str, Header]:
        """The sound safetensors files."""
        return {name: part.header for name, part in self.parts.items() if part.header is not None}

    def held(self) -> dict[str, set[str]]:
        """The names of the tensors in each sound file."""
        return {name: part.tensor_names() for name, part in self.parts.items() if part.error is None}


def survey(folder: SafePath, terms: Terms | None = None, progress: Callable[[int], None] | None = None) -> Survey:
    """Look at every file of a folder by content; what is under a name that starts with a dot is none of the model's.

    Args:
        folder: the open folder.
        terms: the limits, and what a person allowed.
        progress: told how many files were looked at.
    """
    found, terms = Survey(), terms or Terms()
    indexes: list[str] = []
    for count, (place, parent, entry) in enumerate(_files(folder, "", found)):
        if count >= ENTRY_LIMIT:
            found.findings.append(_not_looked_at(folder, f"more than {ENTRY_LIMIT} files"))
            break
        near = replace(terms, beside=_beside(parent, found))
        if entry.name.startswith("."):
            _look_aside(parent, entry, found, near)
        else:
            if is_told(entry.name):
                found.configurations.append(place)
            if place.endswith(INDEX_SUFFIXES):
                indexes.append(place)
            _look(place, parent, entry, found, near)
        if progress is not None:
            progress(count + 1)
    _choose(found, _read_indexes(folder, indexes, found))
    return found


def no_weights(folder: SafePath) -> MissingFileError:
    """The error for a folder in which there is no model."""
    return MissingFileError(
        f"There are no model weights in {folder.display}.", "Name the file, or the folder that holds the weights."
    )


def _not_looked_at(folder: SafePath, why: str) -> Finding:
    return Finding(
        "unsupported",
        f"{folder.display} holds {why}; the rest wasn't looked at.",
        folder.display,
        "Name the model's own folder.",
    )


def _files(folder: SafePath, lead: str, found: Survey) -> Iterator[tuple[str, SafePath, Entry]]:
    if lead.count("/") > DEPTH_LIMIT:
        found.findings.append(_not_looked_at(folder, "folders nested too deep"))
        return
    for entry in folder.list():
        if not entry.is_folder:
            yield lead + entry.name, folder, entry
            continue
        if entry.name.startswith("."):
            continue
        try:
            with folder / entry.name as inner:
                yield from _files(inner, f"{lead}{entry.name}/", found)
        except (PathRefusedError, MissingFileError) as error:
            found.findings.append(_not_opened(error, folder, entry))


def _beside(folder: SafePath, found: Survey) -> frozenset[str]:
    """What Python would import from a folder, and from the surveyed one; looked up once for each folder."""
    if folder.location not in found.beside:
        from .beside import beside

        found.beside[folder.location] = beside(folder) | next(iter(found.beside.values()), frozenset())
    return found.beside[folder.location]


def _look(place: str, parent: SafePath, entry: Entry, found: Survey, terms: Terms) -> None:
    named = entry.name.lower().endswith(WEIGHT_SUFFIXES)
    try:
        with parent / entry.name as safe:
            if safe.is_folder:
                reason = "a link to a folder, which isn't followed"
                found.findings.append(Finding("unsupported", f"{safe.display} is {reason}.", safe.display))
                return
            source = safe.source()
            kind = recognise(source)
            if not (named or kind.is_model or kind.reader is not None):
                return
            part = examine_file(safe, place, terms, source)
            if named or counts_in_a_folder(part):
                found.parts[place] = part
    except MissingFileError as error:
        if named:  # a link that leads nowhere: nobody can load it, but the model isn't whole
            found.findings.append(finding_of(error, f"{parent.display}/{entry.name}"))
    except ModelCypherError as error:
        found.findings.append(_not_opened(error, parent, entry))


def _not_opened(error: ModelCypherError, parent: SafePath, entry: Entry) -> Finding:
    """Why an entry wasn't looked at; one whose name alone is the reason can be looked at by itself."""
    finding = finding_of(error, f"{parent.display}/{entry.name}")
    try:
        components(entry.name)
    except PathRefusedError:
        return replace(finding, remedy="Rename it, or look at it alone: mc model scan PATH")
    return finding


def _look_aside(parent: SafePath, entry: Entry, found: Survey, terms: Terms) -> None:
    """A file whose name starts with a dot is none of the model's, but some loaders unpickle one: danger counts."""
    place = f"{parent.display}/{entry.name}"
    try:
        with parent / entry.name as safe:
            if not safe.is_folder:
                part = examine_file(safe, entry.name, terms)
                found.findings += (one for one in part.all_findings(place) if one.level == "code")
    except PathRefusedError as error:
        # Assistants are refused every such name; one that no loader opens by itself changes no verdict of theirs.
        is_mac_s = entry.name.startswith("._")  # macOS leaves one beside every file it packs
        if entry.name == DISTRIBUTED or (entry.name.lower().endswith(WEIGHT_SUFFIXES) and not is_mac_s):
            found.findings.append(finding_of(error, place))
    except MissingFileError:
        return
    except ModelCypherError as error:
        found.findings.append(finding_of(error, place))


def _read_indexes(folder: SafePath, indexes: list[str], found: Survey) -> dict[str, set[str]]:
    """Prove every index; the first error of each is kept, and the shards of a broken one still belong to it."""
    shards: dict[str, set[str]] = {}
    held = found.held()
    for index in indexes:
        place, _, _ = index.rpartition("/")
        lead = f"{place}/" if place else ""
        try:
            weight_map = {name: lead + shard for name, shard in read_weight_map(folder, index).items()}
            shards[index] = set(weight_map.values())
            prove_cover(index, weight_map, held)
        except MalformedError as error:
            shards.setdefault(index, set())
            found.findings.append(finding_of(error, f"{folder.display}/{index}"))
            found.error = found.error or error
    return shards


def _choose(found: Survey, shards: dict[str, set[str]]) -> None:
    """Choose the files that are the model: a preferred single file, else an index's shards, else all that there are."""
    sound = [name for name, part in found.parts.items() if part.kind.name == "safetensors"]
    readable = sound or [name for name, part in found.parts.items() if part.content is not None]
    top = [name for name in readable if "/" not in name] or readable
    single = next((name for name in PREFERRED if name in top), None)
    joined = sorted(
        (index for index in shards if "/" not in index),
        key=lambda index: (not index.startswith("model."), not index.endswith(INDEX_SUFFIXES[0]), index),
    )
    if single is not None:
        found.model = (single,)
        found.error = None  # an index beside it joins other files; what is wrong with it stays a finding
    elif joined:
        found.index = joined[0]
        found.model = tuple(sorted(shards[joined[0]] & found.parts.keys()))
    else:
        found.model = tuple(top)
    found.error = next((error for name in found.model if (error := found.parts[name].error)), found.error)
    _tell_the_rest(found, set().union(*shards.values()))
    _tell_the_places(found)


def _tell_the_rest(found: Survey, placed: set[str]) -> None:
    """A sound file beside the model is no fault, but whoever counts on the folder should know of it."""
    for name in found.held():
        if name not in found.model and name not in placed and "/" not in name:
            what = f"{shown(name, 80)} lies beside the model and is no part of it."
            found.findings.append(Finding("weights", what, shown(name)))


def _tell_the_places(found: Survey) -> None:
    """Weights in several folders may be a pipeline's parts or strangers to one another: nothing here tells which."""
    places = sorted({name.rpartition("/")[0] for name in found.model})
    if len(places) > 1:
        named = ", ".join(shown(place, 40) for place in places[:6]) + (", ..." if len(places) > 6 else "")
        what = f"The weights lie in {len(places)} folders ({named}) and are shown together."
        remedy = "Name one of these folders to see it alone."
        found.findings.append(Finding("weights", what, shown(places[0], 80), remedy))
