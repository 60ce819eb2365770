"""From words to a tree: operator precedence by binding powers (Pratt, Top Down Operator Precedence, 1973).

Owns the grammar and the limits on a text. Names are not looked up here, so an expression can be checked, and asked
for its names, before there are values.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import NoReturn

from geojobs_lab.errors import ExpressionNotValid
from geojobs_lab.expressions.functions import ELEMENTWISE, REDUCTIONS
from geojobs_lab.expressions.lexer import Token, refuse, tokenize
from geojobs_lab.expressions.tree import Index, Literal, Name, Node, Operation, Reduction, walk

LONGEST = 10_000  # characters
DEEPEST = 100  # levels of parts within parts; evaluation takes a few Python frames for each, out of 1000
LARGEST_INTEGER = 2**63 - 1

# How strongly an operator holds what stands beside it; `and` and `or` alike, as in the older language.
_POWERS = {
    **dict.fromkeys(("and", "or"), 10),
    **dict.fromkeys(("==", "!=", "<=", ">=", "<", ">"), 30),
    **dict.fromkeys(("+", "-"), 40),
    **dict.fromkeys(("*", "/", "%"), 50),
    "**": 70,
}
_NOT, _SIGN = 20, 60
_SIGNS = {"-": "negative", "+": "positive"}
_ALIASES = {"&&": "and", "||": "or"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORDS = ("and", "or", "not", *_TRUTH)


def parse(text: str) -> Node:
    """Return the tree of an expression.

    Raises
    ------
    ExpressionNotValid
        It is no expression, or too long or too deep; the message says where and why.
    """
    if not isinstance(text, str):
        raise ExpressionNotValid(f"the expression is invalid: it must be a text, not {type(text).__name__}", value=text)
    if len(text) > LONGEST:
        refuse(text, LONGEST, text[LONGEST], f"it has {len(text)} characters, and {LONGEST} is the most")
    tree = _Parser(text).parse()
    for node, depth in walk(tree):
        if depth > DEEPEST:
            _too_deep(text, node.span[0])
    return tree


def _too_deep(text: str, position: int) -> NoReturn:
    refuse(text, position, text[position : position + 1], f"it is more than {DEEPEST} levels deep")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokenize(text))
        self._place = 0
        self._depth = 0

    def parse(self) -> Node:
        tree = self._expression(0)
        if self._next.kind != "end":
            self._refuse("an operator or the end was expected")
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _take_if(self, text: str) -> bool:
        found = self._next.kind == "symbol" and self._next.text == text
        self._place += found
        return found

    def _expect(self, text: str) -> int:
        if not self._take_if(text):
            self._refuse(f"{text!r} was expected")
        return self._tokens[self._place - 1].stop

    def _refuse(self, why: str, token: Token | None = None) -> NoReturn:
        token = token or self._next
        refuse(self._text, token.start, token.text, why)

    def _expression(self, held: int) -> Node:
        """Parse what holds together more strongly than `held`, the power of the operator to the left."""
        self._depth += 1
        if self._depth > DEEPEST:
            _too_deep(self._text, self._next.start)
        left = self._prefixed(held)
        while (power := _POWERS.get(self._operator(), 0)) > held:
            operator = self._operator()
            self._take()
            right = self._expression(power - 1 if operator == "**" else power)
            left = Operation((left.span[0], right.span[1]), operator, (left, right))
        self._depth -= 1
        return left

    def _operator(self) -> str:
        return _ALIASES.get(self._next.text, self._next.text) if self._next.kind in ("symbol", "name") else ""

    def _prefixed(self, held: int) -> Node:
        token = self._next
        if token.kind == "name" and token.text == "not":
            if held > _NOT:
                self._refuse("'not' needs parentheses here")
            operator, power = "not", _NOT
        elif token.kind == "symbol" and token.text in _SIGNS:
            operator, power = _SIGNS[token.text], _SIGN
        else:
            return self._indexed()
        self._take()
        operand = self._expression(power)
        return Operation((token.start, operand.span[1]), operator, (operand,))

    def _indexed(self) -> Node:
        node = self._primary()
        while self._take_if("["):
            index = self._expression(0)
            node = Index((node.span[0], self._expect("]")), node, index)
        return node

    def _primary(self) -> Node:
        token = self._take()
        span = (token.start, token.stop)
        match token.kind:
            case "int":
                return Literal(span, token.text, self._integer(token))
            case "float":
                return Literal(span, token.text, float(token.text))
            case "string":
                return Literal(span, token.text, token.text[1:-1])
            case "name" if token.text in _TRUTH:
                return Literal(span, token.text, _TRUTH[token.text])
            case "name" if token.text not in _WORDS:
                return self._call(token) if self._take_if("(") else Name(span, token.text)
            case "symbol" if token.text == "(":
                inner = self._expression(0)
                return replace(inner, span=(token.start, self._expect(")")))
        self._refuse("a value was expected", token)

    def _integer(self, token: Token) -> int:
        digits = token.text.lstrip("0") or "0"
        # By its length first: Python refuses to read very long ones.
        if len(digits) > len(str(LARGEST_INTEGER)) or int(digits) > LARGEST_INTEGER:
            self._refuse("integers have at most 64 bits; write it with a point for a float", token)
        return int(digits)

    def _call(self, token: Token) -> Node:
        name = token.text
        if name not in ELEMENTWISE and name not in REDUCTIONS:
            meant = get_close_matches(name, [*ELEMENTWISE, *REDUCTIONS], n=1)
            self._refuse(f"there is no such function{f'; did you mean {meant[0]!r}?' if meant else ''}", token)
        arguments, axis = self._arguments(name)
        span = (token.start, self._tokens[self._place - 1].stop)
        wanted = REDUCTIONS.get(name) or ELEMENTWISE[name]
        if name in REDUCTIONS and len(arguments) == wanted + 1 and axis is None:
            axis = arguments.pop()
        if len(arguments) != wanted:
            plural = "" if wanted == 1 else "s"
            more = " and an axis" if name in REDUCTIONS else ""
            self._refuse(f"{name} takes {wanted} argument{plural}{more}, not {len(arguments) or 'none'}", token)
        if name in ELEMENTWISE:
            return Operation(span, name, tuple(arguments))
        return Reduction(span, name, arguments[0], arguments[1] if wanted == 2 else None, axis)

    def _arguments(self, function: str) -> tuple[list[Node], Node | None]:
        arguments: list[Node] = []
        if self._take_if(")"):
            return arguments, None
        while not self._at_keyword():
            arguments.append(self._expression(0))
            if not self._take_if(","):
                self._expect(")")
                return arguments, None
        keyword = self._take()
        if keyword.text != "axis" or function not in REDUCTIONS:
            self._refuse(f"{function} has no argument of this name", keyword)
        self._expect("=")
        axis = self._expression(0)
        self._expect(")")
        return arguments, axis

    def _at_keyword(self) -> bool:
        following = self._tokens[self._place + 1 : self._place + 2]
        return self._next.kind == "name" and bool(following) and following[0].text == "="
