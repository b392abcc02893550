"""Every failure that the code can tell of, found where it is made: its text, code and field.

Texts are read from the source, with `{name}` where a value is filled in. A function that makes
an outcome for others (`def _wrong(field, value, expected) -> Rejected`) is followed to its calls.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREES = ("spawn", "services", "cli")
OUTCOMES = ("Rejected", "NotFound", "Conflict", "Transient", "Undeliverable")

_ENDINGS = ("Ending", "Refusal", "give_up")
_ENDED = "Failed"
"""What ends a launch is no exception; it has a code all the same."""

Values = Mapping[str, str]


@dataclass(frozen=True, order=True)
class Failure:
    """One failure; `text` is empty where it is passed on from elsewhere."""

    text: str
    kind: str
    code: str
    field: str
    module: str


@dataclass(frozen=True)
class _Maker:
    """A function that makes an outcome: its parameters, its module's texts, and the call."""

    parameters: tuple[str, ...]
    constants: Values
    made: ast.Call


def failures(root: Path = ROOT) -> tuple[Failure, ...]:
    """Return every failure, each once."""
    modules = {
        str(path.relative_to(root)): ast.parse(path.read_text())
        for tree in TREES
        for path in sorted((root / tree).rglob("*.py"))
    }
    makers = {name: dict(_makers(tree)) for name, tree in modules.items()}
    shared = {
        function: maker
        for each in makers.values()
        for function, maker in each.items()
        if not function.startswith("_")
    }
    found = {
        failure
        for name, tree in modules.items()
        for failure in _in_module(name, tree, {**shared, **makers[name]})
    }
    return tuple(sorted(found))


def _makers(tree: ast.Module) -> Iterator[tuple[str, _Maker]]:
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef) or not isinstance(node.returns, ast.Name):
            continue
        if node.returns.id not in OUTCOMES or not isinstance(node.body[-1], ast.Return):
            continue
        made = node.body[-1].value
        if isinstance(made, ast.Call) and _name(made) in OUTCOMES:
            arguments = (*node.args.args, *node.args.kwonlyargs)
            names = tuple(each.arg for each in arguments if each.arg != "self")
            yield node.name, _Maker(names, constants, made)


def _in_module(module: str, tree: ast.Module, makers: Mapping[str, _Maker]) -> Iterator[Failure]:
    inside = {id(maker.made) for maker in makers.values()}
    constants = _constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from _chosen(node, module)
        if not isinstance(node, ast.Call):
            continue
        maker = makers.get(_name(node))
        if maker is not None:
            given = _arguments(node, maker.parameters, constants)
            yield _failure(maker.made, module, {**maker.constants, **given})
        elif _name(node) in _ENDINGS:
            yield from _ended(node, module)
        elif _name(node) in OUTCOMES and id(node) not in inside:
            yield _failure(node, module, constants)


def _constants(tree: ast.Module) -> Values:
    """Return the texts that a module gives names to."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _ended(node: ast.Call, module: str) -> Iterator[Failure]:
    code = _failure(node, module, {}).code
    code = code or next((_word(each, {}) for each in node.args[1:2]), "")
    if code:
        yield Failure("", _ENDED, code, "", module)


def _chosen(node: ast.Assign, module: str) -> Iterator[Failure]:
    """Yield both codes of `code = "this" if … else "that"`."""
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    if "code" in names and isinstance(node.value, ast.IfExp):
        codes = (_word(each, {}) for each in (node.value.body, node.value.orelse))
        yield from (Failure("", _ENDED, code, "", module) for code in codes if code)


def _failure(made: ast.Call, module: str, values: Values) -> Failure:
    named = {each.arg: each.value for each in made.keywords if each.arg}
    text = _text(made.args[0], values) if made.args else ""
    return Failure(
        text=text if any(part.strip("{}: =;.") for part in _literal(text)) else "",
        kind=_name(made) if _name(made) in OUTCOMES else _ENDED,
        code=_word(named.get("code"), values),
        field=_word(named.get("field"), values),
        module=module,
    )


def _literal(text: str) -> list[str]:
    return [
        part.partition("}")[2] if number else part for number, part in enumerate(text.split("{"))
    ]


def _arguments(call: ast.Call, parameters: tuple[str, ...], constants: Values) -> Values:
    given = dict(zip(parameters, call.args, strict=False))
    given |= {each.arg: each.value for each in call.keywords if each.arg}
    texts = {name: _text(value, constants) for name, value in given.items()}
    return {name: text for name, text in texts.items() if text}


def _text(node: ast.expr, values: Values) -> str:
    """Return a text, with the names of what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            found = text
        case ast.JoinedStr(values=parts):
            found = "".join(_text(part, values) for part in parts)
        case ast.FormattedValue(value=value):
            found = _text(value, values)
        case ast.Name(id=name):
            found = values.get(name, f"{{{name}}}")
        case ast.Attribute(attr=name):
            found = f"{{{name}}}"
        case ast.Call(args=[ast.Name() | ast.Attribute() as inner, *_]):
            found = _text(inner, values)
        case _:
            found = "{…}"
    return found


def _word(node: ast.expr | None, values: Values) -> str:
    text = "" if node is None else _text(node, values)
    return "" if "{" in text else text


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""
