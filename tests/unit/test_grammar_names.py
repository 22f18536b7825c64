"""Public names of JavaScript, TypeScript, Go, Rust and Java code."""

from __future__ import annotations

import pytest

from bot.adapters.public_api import MAX_CHARACTERS, read_source
from bot.core.public_names import Fault, SourceCode, UnreadableSource


def read(path: str, text: str) -> SourceCode:
    result = read_source(path, text)
    assert isinstance(result, SourceCode), result
    return result


def names(path: str, text: str) -> dict[str, bool]:
    return {name.qualified: name.documented for name in read(path, text).names}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/** F. */\nexport function f() {}", {"f": True}, id="JSDoc documents"),
        pytest.param("// F.\nexport function f() {}", {"f": False}, id="other comments do not"),
        pytest.param("/** */\nexport function f() {}", {"f": False}, id="nor does an empty one"),
        pytest.param("function f() {}", {}, id="what is not exported is private"),
        pytest.param("export function _f() {}", {}, id="so is a leading underscore"),
        pytest.param("/** @internal x */\nexport function f() {}", {}, id="and what says so"),
        pytest.param(
            "/** Both. */\nexport const f = (a) => { const b = 1; }, g = 2;",
            {"f": True, "g": True},
            id="a comment above a statement is for all of it",
        ),
        pytest.param(
            "/** F. */\nfunction f() {}\nclass A { m() {} }\nexport { f, A as B };",
            {"f": True, "A": False, "A.m": False},
            id="names may be exported at the end",
        ),
        pytest.param("export { a } from './a';\nexport * from './b';", {}, id="not re-exports"),
        pytest.param("/** D. */\nexport default () => 1;", {"default": True}, id="default export"),
        pytest.param("export default class {}", {"default": False}, id="default class"),
        pytest.param("export default {};", {"default": False}, id="default object"),
        pytest.param(
            "function f() {}\nconst g = 1;\nmodule.exports = { f, h: g };\nexports.i = () => 1;",
            {"f": False, "g": False, "i": False},
            id="CommonJS exports",
        ),
        pytest.param(
            "/** A. */\nexport class A {\n constructor(a) {}\n #p() {}\n _q() {}\n"
            " /** V. */\n get v() {}\n set v(x) {}\n static m() {}\n}",
            {"A": True, "A.v": True, "A.m": False},
            id="methods count, a getter with its setter once",
        ),
        pytest.param(
            "export function f() { class B { n() {} } }\nuse(class { o() {} });",
            {"f": False},
            id="inner classes are private",
        ),
    ],
)
def test_javascript(text: str, expected: dict[str, bool]) -> None:
    assert names("src/app.js", text) == expected
    assert names("src/app.ts", text) == expected, "TypeScript reads the same"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "/** I. */\nexport interface I { a(): void }\nexport type T = string;\n"
            "export enum E { A }\nexport abstract class C { abstract m(): void }",
            {"I": True, "T": False, "E": False, "C": False, "C.m": False},
            id="types of every sort",
        ),
        pytest.param(
            "/** F. */\nexport function f(a: string): void;\nexport function f(a: any) {}",
            {"f": True},
            id="overloads count once",
        ),
        pytest.param(
            "export class A {\n private p() {}\n protected q() {}\n override r() {}\n s() {} }",
            {"A": False, "A.s": False},
            id="private, protected and overriding methods do not count",
        ),
        pytest.param(
            "/** N. */\nexport namespace N {\n export function f() {}\n function g() {} }\n"
            "namespace Hidden { export function h() {} }",
            {"N": True, "N.f": False},
            id="namespaces",
        ),
        pytest.param(
            "/** F. */\nexport declare function f(): void;\nexport declare const v: string;",
            {"f": True, "v": False},
            id="declarations",
        ),
        pytest.param(
            "/** A. */\n@Component({})\nexport class A {}", {"A": True}, id="a decorated class"
        ),
    ],
)
def test_typescript(text: str, expected: dict[str, bool]) -> None:
    assert names("src/app.ts", text) == expected


def test_tsx_is_read_with_its_own_grammar() -> None:
    text = "/** V. */\nexport const View = () => <p>{1}</p>;\nexport const cast = <T,>(a: T) => a;"
    assert names("src/view.tsx", text) == {"View": True, "cast": False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("// F does.\nfunc F() {}\nfunc g() {}", {"F": True}, id="a comment above"),
        pytest.param("// F does.\n\nfunc F() {}", {"F": False}, id="a blank line parts them"),
        pytest.param("//go:noinline\nfunc F() {}", {"F": False}, id="a directive says nothing"),
        pytest.param(
            "const a = 1 // Small.\nfunc F() {}", {"F": False}, id="nor another line's comment"
        ),
        pytest.param(
            "// S is.\ntype S[T any] struct{}\nfunc (s *S[T]) M() {}\n"
            "func (s S) String() string { return `` }\ntype t int\nfunc (x t) M() {}",
            {"S": True, "S.M": False},
            id="methods of exported types, but well-known ones",
        ),
        pytest.param(
            "// Sizes.\nconst (\n A = iota\n B\n)\nconst (\n C = 1 // C is.\n D = 2\n e = 3\n)\n",
            {"A": True, "B": True, "C": True, "D": False},
            id="a group's comment is for all of it, a line's for one",
        ),
        pytest.param(
            "// Sorts.\ntype (\n A int\n // B is.\n B int\n)\n",
            {"A": False, "B": True},
            id="grouped types each need their own",
        ),
        pytest.param(
            "var A, B int\nvar (\n // C is.\n C = 1\n)",
            {"A": False, "B": False, "C": True},
            id="variables",
        ),
        pytest.param("func F() { type Inner int; const X = 1 }", {"F": False}, id="not inner ones"),
    ],
)
def test_go(text: str, expected: dict[str, bool]) -> None:
    assert names("pkg/app.go", "package app\n\n" + text) == expected


def test_nothing_can_import_a_go_program() -> None:
    assert names("cmd/app.go", "package main\n\nfunc F() {}\n") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "/// F.\n#[inline]\n// note\npub fn f() {}\nfn g() {}", {"f": True}, id="/// documents"
        ),
        pytest.param("// F.\npub fn f() {}", {"f": False}, id="// does not"),
        pytest.param('#[doc = "S."]\npub struct S;', {"S": True}, id="#[doc] documents"),
        pytest.param("#[doc(hidden)]\npub fn f() {}", {}, id="hidden is hidden"),
        pytest.param("pub(crate) fn f() {}\nmod m { pub fn g() {} }", {}, id="not for the crate"),
        pytest.param(
            "pub mod m {\n //! M.\n pub enum E { A } }", {"m": True, "m.E": False}, id="modules"
        ),
        pytest.param(
            "pub struct S<T>(T);\nimpl<T> S<T> { pub fn a(&self) {} fn b() {} }\n"
            "struct Hidden;\nimpl Hidden { pub fn c(&self) {} }\n"
            "impl Clone for S<u8> { fn clone(&self) -> Self { S(1) } }",
            {"S": False, "S.a": False},
            id="methods of public types, not of traits",
        ),
        pytest.param(
            "/// T.\npub trait T { fn a(&self);\n /// B.\n fn b() {} }\ntrait U { fn c(); }",
            {"T": True, "T.a": False, "T.b": True},
            id="a trait's methods",
        ),
        pytest.param(
            "/// A.\npub const A: u8 = 1;\npub static B: u8 = 1;\npub type C = u8;\npub use a::D;",
            {"A": True, "B": False, "C": False},
            id="constants and types, not re-exports",
        ),
        pytest.param("#[cfg(test)]\npub mod tests { pub fn t() {} }", {}, id="not tests"),
    ],
)
def test_rust(text: str, expected: dict[str, bool]) -> None:
    assert names("src/lib.rs", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "/** A. */\n@Deprecated\npublic class A { public void m() {} void n() {} }",
            {"A": True, "A.m": False},
            id="public types and methods",
        ),
        pytest.param("/* A. */\npublic class A {}", {"A": False}, id="Javadoc has two stars"),
        pytest.param("class A { public void m() {} }", {}, id="not of a package's own class"),
        pytest.param(
            "/** I. */\npublic interface I { void a(); private void b() {} }",
            {"I": True, "I.a": False},
            id="an interface's methods are public",
        ),
        pytest.param(
            "/** A. */\npublic class A { @Override public String toString() { return null; } }",
            {"A": True},
            id="an override needs none",
        ),
        pytest.param(
            "public record R(int a) { /** B. */ public int b() { return 1; } }\n"
            "enum E { X; public void c() {} }",
            {"R": False, "R.b": True},
            id="records and enums",
        ),
        pytest.param(
            "/** A. */\npublic class A { Object o = new Object() { public void p() {} }; }",
            {"A": True},
            id="not of an anonymous class",
        ),
    ],
)
def test_java(text: str, expected: dict[str, bool]) -> None:
    assert names("src/A.java", text) == expected


def test_each_overload_of_java_is_a_name() -> None:
    text = (
        "/** A. */\npublic class A {\n /** M. */\n public void m() {}\n public void m(int a) {} }"
    )
    found = [(name.qualified, name.line, name.documented) for name in read("A.java", text).names]
    assert found == [("A", 2, True), ("A.m", 4, True), ("A.m", 5, False)]


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("a.js", "export function f(a, b) {}", "export function f(\n  a, // c\n  b,\n) {}", True),
        ("a.js", "export function f(a) {}", "export function f(a, b) {}", False),
        ("a.js", "export const f = (a) => 1", "export const f = (a) => 2", True),
        ("a.ts", "export type T = string", "export type T = number", False),
        ("a.go", "package a\nfunc F(a int) {}", "package a\nfunc F(a string) {}", False),
        ("a.rs", "pub fn f() {}", "pub fn f() -> u8 { 1 }", False),
        ("A.java", "public class A {}", "public final class A {}", False),
    ],
)
def test_a_signature_changes_with_what_callers_see(
    path: str, before: str, after: str, same: bool
) -> None:
    assert (read(path, before).names[0].signature == read(path, after).names[0].signature) is same


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("a.js", "f(1);", "// c\nf( 1 ); /* d */", True),
        ("a.js", "x = 'a b'", "x = 'a  b'", False),
        ("a.js", "x = `a b`", "x = `a  b`", False),
        ("a.js", "x = /a b/", "x = /a  b/", False),
        ("a.js", "function f() { return\n1 }", "function f() { return 1 }", False),
        ("a.tsx", "x = <p>a b</p>", "x = <p>a c</p>", False),
        ("a.go", "package a\nvar x = `a b`", "package a\nvar x = `a  b`", False),
        ("a.go", "package a\nfunc f() {}", "package a\r\n// F.\r\nfunc f() {}\r\n", True),
        ("a.rs", "fn f() {}", "/// F.\nfn f() {}", True),
        ("a.rs", "fn f() {}", "#[inline]\nfn f() {}", False),
        ("a.rs", 'fn f() { p!("a b") }', 'fn f() { p!("a  b") }', False),
        ("A.java", 'class A { String s = "a b"; }', 'class A { String s = "a  b"; }', False),
        ("A.java", "class A {}", "/** A. */\nclass A { }", True),
        ("a.ts", "", "// nothing\n", True),
    ],
)
def test_behaviour_is_what_is_left_without_comments(
    path: str, before: str, after: str, same: bool
) -> None:
    assert (read(path, before).behaviour == read(path, after).behaviour) is same


@pytest.mark.parametrize(
    ("path", "text", "fault", "why"),
    [
        pytest.param("a.js", "function (", Fault.FILE, "syntax error in line 1", id="JavaScript"),
        pytest.param("a.go", "package a\nfunc {", Fault.FILE, "line 2", id="Go"),
        pytest.param("a.rs", "pub fn f(\0) {}", Fault.FILE, "NUL", id="a NUL byte"),
        pytest.param("A.java", "a" * MAX_CHARACTERS * 5, Fault.FILE, "large", id="five megabytes"),
        pytest.param(
            "a.ts", f"x = {'(' * 50000}1{')' * 50000};", Fault.FILE, "deep", id="deep brackets"
        ),
        pytest.param(
            "a.rs", "mod a {" * 20000 + "}" * 20000, Fault.FILE, "deep", id="deep modules"
        ),
        pytest.param("a.rb", "def f; end", Fault.LANGUAGE, "Ruby", id="a language unknown here"),
        pytest.param("run", "#!/bin/sh\n", Fault.LANGUAGE, "shell", id="a script by its #! line"),
        pytest.param("a.md", "# A", Fault.LANGUAGE, "not a programming", id="no code"),
    ],
)
def test_what_cannot_be_read_says_why(path: str, text: str, fault: Fault, why: str) -> None:
    result = read_source(path, text)
    assert isinstance(result, UnreadableSource)
    assert result.fault is fault
    assert why in result.why


def test_other_encodings_are_read() -> None:
    text = "/** caf\udce9 */\nexport function f() { return 'caf\udce9'; }\n"
    assert names("a.js", "\ufeff" + text) == {"f": True}
