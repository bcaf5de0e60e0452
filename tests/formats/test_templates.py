from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS

from modelcypher_nb.formats.templates import names
from modelcypher_nb.formats.templates.judging import LONGEST_TEMPLATE, MOST_TOGETHER, Templates, judge

LLAMA_3 = """\
{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}{{- t | tojson(indent=4) }}{{- "\\n\\n" }}{%- endfor %}
{%- endif %}
{{- system_message }}{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
        {{- message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}{{- raise_exception("One tool call at once!") }}{%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- for arg_name, arg_val in tool_call.arguments | items %}
            {{- arg_name + '="' + arg_val + '"' }}{%- if not loop.last %}{{- ", " }}{%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""
MISTRAL = """\
{%- set loop_messages = messages[1:] if messages[0]["role"] == "system" else messages %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("Roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{%- for message in loop_messages %}
    {%- if tools is not none and (message == user_messages[-1]) %}
        {{- "[AVAILABLE_TOOLS] [" }}
        {%- for tool in tools %}{%- set tool = tool.function %}
            {%- for key, val in tool.items() if key != "return" %}
                {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}
                {%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}
            {%- endfor %}
        {%- endfor %}
    {%- endif %}
    {{- loop_messages[loop.index0 - 1].content if loop.index0 else "" }}
{%- endfor %}
"""
QWEN_TOOLS = """\
{%- macro render_extra_keys(json_dict, handled_keys) -%}
    {%- if json_dict is mapping %}
        {%- for json_key in json_dict if json_key not in handled_keys %}
            {%- set normed = json_key | replace("-", "_") | replace(" ", "_") %}
            {%- if json_dict[json_key] is mapping or json_dict[json_key] is sequence %}
                {{- '\\n<' ~ normed ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ normed ~ '>' }}
            {%- else %}
                {{-'\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}{%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endmacro -%}
{%- for tool in tools %}{{- render_extra_keys(tool.function, ['type', 'name', 'additional_properties']) }}{% endfor %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and not (message.content.startswith('<tool_response>')
           and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if '</think>' in content %}
        {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- messages[ns.last_query_index].content }}
{%- endfor %}
"""
CHATML = """\
{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}\
{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
TYPES = """\
{%- macro type_of(spec, depth=0) %}
    {%- set basic = {"string": "str", "number": "float", "integer": "int"} %}
    {%- if basic[spec.type] is defined %}{{- basic[spec.type] }}
    {%- elif spec.type == "array" %}{{- "list[" + type_of(spec['items'], depth + 1) + "]" }}
    {%- elif spec.type is iterable %}{%- for one in spec.type %}{{- basic[one] }}{%- endfor %}{%- endif %}
{%- endmacro %}
{% for tool in tools %}{% set separator = joiner(", ") %}
  {%- for name, spec in tool.parameters.properties.items() %}
    {{- separator() }}{{ name }}: {{ type_of(spec) }}{% endfor %}
  {%- for key in ['required', 'additional_properties'] %}{{ tool.parameters[key] }}{% endfor %}
{% endfor %}
{%- set messages = [{'role': 'system', 'content': 'Today is ' ~ strftime_now('%Y_%m')}] + messages %}
{%- set prefixes = {'user': 'U_', 'assistant': 'A_'} %}
{%- for message in messages %}{{ prefixes[message.role] }}{{ message['arg_' ~ message.role] }}{% endfor %}
"""
BENIGN = {
    "llama 3": LLAMA_3,
    "mistral": MISTRAL,
    "qwen with tools": QWEN_TOOLS,
    "chatml": CHATML,
    "types of parameters": TYPES,
    "words as text": "never say __class__, os.system('id') or {0.__class__} {{ bos }}{# {{ ''.__class__ }} #}",
    "words in constants": "{{ \"''.__class__.__mro__\" }}{% raw %}{{ ''.__class__ }}{% endraw %}",
    "an ordinary key with words in it": "{{ m['the __class__ of it'] }}{{ m['tool_calls'] }}",
    "a private variable": "{% set _ = messages.append({'role': 'x'}) %}{% set __x = 1 %}{{ __x }}",
    "tags of training and loops": (
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% if m.x %}{% break %}{% endif %}"
        "{% continue %}{% endfor %}{% do messages.append(1) %}"
    ),
    "a constant format": "{{ '{}: {:>5}'.format(a, b) }}{{ '%s_%d' | format(a, 1) }}{{ '%s' % a }}",
    "a caller": "{% macro m(x) %}{{ caller(x) }}{% endmacro %}{% call(y) m('a_b') %}{{ y }}{% endcall %}",
    "joined attributes": "{{ tools | map(attribute='function.name') | join('_') }}{{ tools | join('_', 'name') }}",
    "arguments in JSON": "{% for k, v in (call.arguments | from_json).items() %}{{ k }}{{ call.x[k] }}{% endfor %}",
}

HOSTILE = {
    "{{ ''.__class__.__mro__ }}": "__class__",
    "{{ ''['__class__'] }}": "__class__",
    "{{ ''|attr('__class__') }}": "__class__",
    "{{ ''['__cla' ~ 'ss__'] }}": "__class__",
    "{{ ''['__cla' + 'ss__'] }}": "__class__",
    '{{ \'\'["__cl" "ass__"] }}': "__class__",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}": "__class__",
    "{{ ''['__ssalc__'[::-1]] }}": "__class__",
    "{{ ''['__ssalc__'|reverse] }}": "__class__",
    "{% set a = '__cla' %}{{ ''[a ~ 'ss__'] }}": "__class__",
    "{% set k = '__class__' %}{{ ''[k] }}": "__class__",
    "{% set k %}__class__{% endset %}{{ ''[k] }}": "__class__",
    "{% with a='__class__' %}{{ ''[a] }}{% endwith %}": "__class__",
    "{% for c in ['__class__'] %}{{ ''[c] }}{% endfor %}": "__class__",
    "{% for c in ['x', 'y', '__class__'][2:] %}{{ ''[c] }}{% endfor %}": "__class__",
    "{% for c in ['__class__', 1] %}{{ ''[loop.previtem] }}{% endfor %}": "__class__",
    "{% for a in b recursive %}{{ ''[a] }}{{ loop(['__class__']) }}{% endfor %}": "__class__",
    "{% macro m(x) %}{{ ''[x] }}{% endmacro %}{{ m('__class__') }}": "__class__",
    "{% macro m(x='__class__') %}{{ ''[x] }}{% endmacro %}": "__class__",
    "{% macro m() %}{{ ''[kwargs|first] }}{% endmacro %}{{ m(__class__=1) }}": "__class__",
    "{% macro m() %}{{ ''[varargs[0]] }}{% endmacro %}{{ m('__class__') }}": "__class__",
    "{% macro m() %}{{ caller('__class__') }}{% endmacro %}{% call(z) m() %}{{ ''[z] }}{% endcall %}": "__class__",
    "{% set ns = namespace(k='__class__') %}{{ ''[ns.k] }}": "__class__",
    "{% set a = namespace() %}{% set b = a %}{% set b.k = '__class__' %}{{ ''[a['k']] }}": "__class__",
    "{% set l = [] %}{% set _ = l.append('__class__') %}{{ ''[l[0]] }}": "__class__",
    "{% set _ = messages.append('__class__') %}{{ ''[messages[-1]] }}": "__class__",
    "{% set d = {} %}{% set _ = d.update({'a': '__class__'}) %}{{ ''[d.a] }}": "__class__",
    "{{ ''[{'a': '__class__'}.a] }}": "__class__",
    "{{ ''[{'a': '__class__'}.values()|first] }}": "__class__",
    "{{ ''[{'__class__': 1}|first] }}": "__class__",
    "{{ ''[dict(__class__=1)|list|first] }}": "__class__",
    "{{ ''[messages or '__class__'] }}": "__class__",
    "{{ ''[x|default('__class__')] }}": "__class__",
    "{{ ''['__class__' if x else 'y'] }}": "__class__",
    "{{ [1]|map(attribute='__class__')|list }}": "__class__",
    "{{ [1]|map(attribute='real.__class__')|list }}": "__class__",
    "{{ [1]|map('attr', '__class__')|list }}": "__class__",
    "{{ [1]|map(**{'attribute': '__class__'})|list }}": "__class__",
    "{{ [1]|selectattr('__class__')|list }}": "__class__",
    "{{ [1]|groupby('__class__') }}": "__class__",
    "{{ [1]|sort(false, false, 'a,__class__') }}": "__class__",
    "{{ [1]|join('_', attribute='__class__') }}": "__class__",
    "{{ [1]|sum('__class__') }}": "__class__",
    "{{ '{0.__class__}'.format(1) }}": "format",
    "{{ ''['format']('{0.__class__}') }}{{ '{0[__a]}'['format'](1) }}": "format",
    "{{ ('{0.__cla' ~ 'ss__}').format(1) }}": "format",
    "{{ lipsum.__globals__['os'].popen('id').read() }}": "__globals__",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}": "__globals__",
    "{{ self._TemplateReference__context }}": "_TemplateReference__context",
    "{{ raise_exception.__code__ }}": "__code__",
    "{{ (messages|select).gi_frame.f_globals }}": "gi_frame",
    "{{ (1).real.mro() }}": "mro",
    "{{ lipsum() }}": "lipsum",
    "{{ os.system('id') }}": "system",
    "{{ messages[0]['popen']('id') }}": "popen",
    "{{ foo(1) }}": "foo",
    "{% set f = ''.format %}{{ f('{0.a}') }}": "f",
    "{% set j = joiner(1) %}{% set j = foo %}{{ j() }}": "j",
    "{{ x|shell }}": "shell",
    "{{ x is evil }}": "evil",
    "{% include '/etc/passwd' %}": "include",
    "{% import 'os' as os %}": "import",
    "{% from 'os' import system %}": "from ... import",
    "{% extends 'x' %}": "extends",
}
COMPUTED = [
    "{{ ''[p ~ '__class__'] }}",
    "{{ ''[p ~ '__class__'] }}{% set p = 'a' %}",
    "{{ ''['%c%cclass%c%c' | format(95, 95, 95, 95)] }}",
    "{{ ''['%c' % 95] }}",
    "{{ ''['a b'.replace(' ', '_')] }}",
    "{{ ''['-class'.translate({45: 95})] }}",
    "{{ ''[['__', 'class', '__']|join] }}",
    "{{ ''[''.join(['__', 'class__'])] }}",
    "{{ ''['__CLASS__'|lower] }}",
    "{{ ''['__CLASS__'.lower()] }}",
    "{{ ''[('x_'|last) ~ ('x_'|last) ~ 'class__'] }}",
    "{{ ''[['ab_c'][0][2] ~ 'a'] }}",
    "{{ ''[raise_exception|string] }}",
    "{{ ''['_'.encode().decode()] }}",
    "{{ ''['\"\\\\u005fclass\"'|from_json] }}",
    "{% set a %}__{{ 'class' }}__{% endset %}{{ ''[a] }}",
    "{% set x = '' %}{% for i in [1, 2] %}{% set x = x ~ '_' %}{% endfor %}{{ ''[x ~ 'class'] }}",
    "{% set p = {'a': 1} if false else 'zz' %}{{ ''[(p + 'ab__cl')[4:]] }}",
    "{{ ''|attr(messages[0].content) }}",
    "{{ [1]|map(f) }}",
    "{{ messages[0].content.format(1) }}",
    "{{ (x or y)(1) }}",
]


@pytest.mark.parametrize("text", BENIGN.values(), ids=BENIGN.keys())
def test_a_template_that_only_writes_text_has_no_finding(text: str) -> None:
    assert judge(text, "file") == []


@pytest.mark.parametrize(("text", "name"), HOSTILE.items())
def test_a_template_that_reaches_beyond_the_chat_is_code_and_names_what_it_reaches_for(text: str, name: str) -> None:
    findings = judge(text, "file", member="key")
    assert {finding.level for finding in findings} == {"code"}
    assert name in {finding.name for finding in findings}
    assert {(finding.where, finding.member) for finding in findings} == {("file", "key")}


@pytest.mark.parametrize("text", COMPUTED)
def test_a_name_that_is_put_together_from_pieces_is_code(text: str) -> None:
    assert [finding.level for finding in judge(text, "file")] == ["code"]


def test_a_finding_tells_line_and_excerpt() -> None:
    (finding,) = judge("{{ a }}\n\n  {{ b.__class__ }}\n", "file")
    assert "in line 3" in finding.what
    assert finding.excerpt == "{{ b.__class__ }}"
    assert (finding.rule, finding.name) == ("template-attribute", "__class__")


def test_deceiving_characters_in_a_finding_are_escaped() -> None:
    (finding,) = judge("{{ a['__cl\u202eass__'] }}", "file")
    assert finding.name == "__cl\\u202eass__"
    assert "\u202e" not in finding.what + str(finding.excerpt)


@pytest.mark.parametrize(
    "text",
    ["{% if %}", "{{ ", "{% for %}{{ a }}", "{{ a | }}", "{% unknown %}", "{{ '\\N{x}' }}", "{{ " + "9" * 5000 + " }}"],
)
def test_what_is_no_jinja_is_malformed(text: str) -> None:
    (finding,) = judge(text, "file")
    assert (finding.level, finding.rule) == ("malformed", "template-syntax")


CHAIN = "".join(f"{{% set x{number} = x{number + 1} %}}" for number in range(2000)) + "{% set x2000 = '_a' %}"
BOMBS = {
    "parentheses": "{{ " + "(" * 60_000 + " }}",
    "closed parentheses": "{{ " + "(" * 30_000 + "1" + ")" * 30_000 + " }}",
    "blocks": "{% if a %}" * 6000,
    "negations": "{{ " + "-" * 60_000 + "a }}",
    "indexes": "{{ " + "a[" * 20_000 + "1" + "]" * 20_000 + " }}",
    "a sum as a name": "{{ x[a" + "+a" * 30_000 + "] }}",
    "a chain against its order": CHAIN + "{{ a[x0] }}",
    "macros of one name": "{%macro m(x)%}{%endmacro%}" * 1100 + "{{m(1)}}" * 4000,
    "one call of many arguments": "{%macro m(x)%}{%endmacro%}" * 1100 + "{{m(" + "1," * 15_000 + ")}}",
    "too long": "{{ a }}" * 20_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.timeout(60)
def test_a_template_beyond_any_real_one_is_malformed(text: str) -> None:
    assert text == BOMBS["too long"] or len(text) <= LONGEST_TEMPLATE
    (finding,) = judge(text, "file")
    assert (finding.level, finding.rule) == ("malformed", "template-limit")


LONG = {
    "sums": "{{ a" + "+a" * 30_000 + " }}",
    "attributes": "{{ a" + ".b" * 30_000 + " }}",
    "filters": "{{ a" + "|e" * 30_000 + " }}",
    "branches": "{% if a %}" + "{% elif a %}" * 5000 + "{% endif %}",
    "growing texts": "{% set x = x ~ 'a' %}" * 3000,
    "many constants": "{% for a in ["
    + ",".join(f"'{number}'" for number in range(7_000))
    + "] %}{{ b[a] }}{% endfor %}",
    "doubling texts": "{% set x = '" + "a" * 30_000 + "' %}" + "{% set y = x ~ x %}" * 1500,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
@pytest.mark.timeout(60)
def test_a_long_harmless_template_is_judged_to_its_end(text: str) -> None:
    assert len(text) <= LONGEST_TEMPLATE
    assert judge(text, "file") == []


def test_the_templates_of_one_file_are_bounded_together() -> None:
    templates = Templates("file")
    text = "{{ a }}".ljust(LONGEST_TEMPLATE)
    told = [templates.judge(text, f"key {number}") for number in range(MOST_TOGETHER // LONGEST_TEMPLATE + 1)]
    assert told[:-1] == [[]] * (MOST_TOGETHER // LONGEST_TEMPLATE)
    assert [(finding.level, finding.rule) for finding in told[-1]] == [("malformed", "template-limit")]


def test_many_findings_are_counted_not_listed() -> None:
    findings = judge("{{ a.__b }}\n" * 100, "file")
    assert len(findings) == 21
    assert "80 more places" in findings[-1].what


def test_text_without_a_tag_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert judge("os.system('id') and __class__ { % }", "file") == []


def test_every_filter_and_test_of_jinja_is_known() -> None:
    assert set(JINJA_FILTERS) <= names.FILTERS
    assert set(JINJA_TESTS) <= names.TESTS


def test_every_public_method_of_plain_data_is_known() -> None:
    data = (str, list, dict, tuple, set, frozenset, int, float, bytes)
    plain = {name for kind in data for name in dir(kind) if not name.startswith("_") and callable(getattr(kind, name))}
    # Made from a class, never from a value of a chat.
    assert plain - names.METHODS <= {"from_bytes", "fromhex"}


WORDS = ["''", "'__class__'", "'__cl'", "'ass__'", "'_'", "'a'", "x", "y", "ns.k", "1", "-1", "messages", "loop.index0"]
PIECES = st.sampled_from([*WORDS, "[x, '__class__']", "{'k': '__class__'}"])
ENDINGS = ["|first", "|last", "|list", "|join", "|lower", "|reverse", "|string", "|trim", "[0]", "[1:]", "[::-1]", ".k"]
ENDINGS += [".strip()", ".split('a')", "|default('_')", "|replace('a', '_')", ".get('k')", "|items|first", "|batch(2)"]
ENDINGS += [
    "|map('trim')|list",
    "|sort",
    "|select",
    ".pop()",
    ".copy()",
    "|title",
    "|center",
    "|unique|list",
    ".values()",
]
BETWEEN = ["~", "+", "*", "%", "or", "and", "if x else", "is defined and"]
EXPRESSIONS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(BETWEEN), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, st.sampled_from(ENDINGS)).map("".join),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.builds("{{% set x = {} %}}".format, EXPRESSIONS),
    st.builds("{{% set ns.k = {} %}}".format, EXPRESSIONS),
    st.builds("{{% for y in {} %}}{{{{ probe[y] }}}}{{% endfor %}}".format, EXPRESSIONS),
    st.builds("{{{{ probe[{}] }}}}".format, EXPRESSIONS),
    st.builds("{{% set _ = messages.append({}) %}}".format, EXPRESSIONS),
    st.builds("{{% set x %}}{{{{ {} }}}}{{% endset %}}".format, EXPRESSIONS),
    st.builds("{{% with y = {} %}}{{{{ probe[y] }}}}{{% endwith %}}".format, EXPRESSIONS),
    st.builds("{{{{ [probe]|map(attribute={})|list }}}}".format, EXPRESSIONS),
    st.builds("{{{{ [probe]|sort(attribute={})|list }}}}".format, EXPRESSIONS),
    st.builds(
        "{{% macro m(y={}) %}}{{{{ probe[y] }}}}{{{{ probe[{}] }}}}{{% endmacro %}}".format, EXPRESSIONS, EXPRESSIONS
    ),
    st.builds("{{{{ m({}) }}}}{{{{ m(y={}) }}}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("{{% call(z) n() %}}{{{{ probe[z] }}}}{{% endcall %}}".format),
    st.builds("{{% macro n() %}}{{{{ caller({}) }}}}{{% endmacro %}}".format, EXPRESSIONS),
)


class Probe(dict[object, object]):
    """Notes the names under which attributes and items are looked up; the render that does so is the test's own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def __getitem__(self, key: object) -> object:
        self.seen.append(key)
        return ""

    def __lt__(self, other: object) -> bool:
        return False


@given(st.lists(STATEMENTS, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_whatever_a_harmless_template_looks_up_begins_with_no_underscore(parts: list[str]) -> None:
    text = "{% set ns = namespace(k='') %}" + "".join(parts)
    if judge(text, "file"):
        return
    probe = Probe()
    try:
        Environment(autoescape=False).from_string(text).render(probe=probe, messages=["u"])  # noqa: S701 - no HTML
    except Exception:  # noqa: BLE001 - a template of random parts may fail in any way; what it saw until then counts
        assert probe.seen is not None
    # A single underscore is no attribute of anything; a loop over a text may give it.
    assert not [name for name in probe.seen if isinstance(name, str) and name.startswith("_") and name != "_"]


@given(st.text(alphabet="{}%#'\"()[]|.~_ abif\n", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_judged_or_malformed(text: str) -> None:
    assert {finding.level for finding in judge("{{" + text, "file")} <= {"code", "malformed"}


def test_what_is_called_harmless_renders_in_the_libraries_own_sandbox() -> None:
    environment = ImmutableSandboxedEnvironment()
    environment.globals["strftime_now"] = lambda form: form
    told = environment.from_string(BENIGN["chatml"]).render(messages=[{"role": "user", "content": "hi"}])
    assert told == "<|im_start|>user\nhi<|im_end|>\n"
