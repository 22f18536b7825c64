"""How each grammar spells a public name and its documentation: data for `grammar_api`.

Captures of a query: `@class`, `@function`, `@method`, `@constant` and `@module` hold a whole
declaration, `@name` its name (without: `default`) and `@body` what is no part of its signature;
`@anchor` is the statement around it, above which the comment may stand as well; `@local` marks
what is public only where its name is `@exported`; `@implied` needs no word such as `pub` to be
public; `@owner` and `@scope` only give a method its first name; `@unlisted` anywhere means that
nothing in the file is public. Of patterns that match the same name the first one counts.
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER = r"(?!)"


@dataclass(frozen=True)
class Grammar:
    """A grammar of PyPI. `shown` and `hidden` are searched in a declaration up to its name's end;
    `documents` and `conceals` in each comment or attribute above it."""

    package: str
    query: str = ""
    function: str = "language"
    trivia: tuple[str, ...] = ("comment",)  # nodes that comment; what they match decides the rest
    shown: str = ""
    hidden: str = NEVER
    documents: str = NEVER
    conceals: str = NEVER
    inner: str = NEVER  # a comment that documents from the first line of the body
    beside: bool = False  # a comment behind a constant, on the same line, documents it
    adjoining: bool = False  # a blank line parts a comment from what follows
    overloads: bool = False  # one name may stand for several declarations, each documented


_JAVASCRIPT = """
(export_statement declaration: [
  (function_declaration name: (_) @name body: (_) @body)
  (generator_function_declaration name: (_) @name body: (_) @body)] @function) @anchor
(export_statement declaration: (class_declaration name: (_) @name body: (_) @body) @class) @anchor
(export_statement declaration: (_ (variable_declarator name: (identifier) @name value: [
  (arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function)) @anchor
(export_statement declaration: (_ (variable_declarator name: (identifier) @name
  value: (class body: (_) @body)) @class)) @anchor
(export_statement declaration: (_ (variable_declarator
  name: (identifier) @name value: (_)? @body) @constant)) @anchor
(export_statement value: [
  (function_expression body: (_) @body) (arrow_function body: (_) @body)
  (generator_function body: (_) @body)] @function) @anchor
(export_statement value: (class body: (_) @body) @class) @anchor
(export_statement value: [(object) (array) (call_expression) (new_expression)] @body @constant)
  @anchor

(program [
  (function_declaration name: (_) @name body: (_) @body)
  (generator_function_declaration name: (_) @name body: (_) @body)] @function @local)
(program (class_declaration name: (_) @name body: (_) @body) @class @local)
(program (_ (variable_declarator name: (identifier) @name value: [
  (arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function @local)
  @anchor)
(program (_ (variable_declarator name: (identifier) @name
  value: (class body: (_) @body)) @class @local) @anchor)
(program (_ (variable_declarator
  name: (identifier) @name value: (_)? @body) @constant @local) @anchor)

(class_declaration body: (class_body (method_definition
  name: (property_identifier) @name body: (_) @body) @method) (#not-eq? @name "constructor"))
(class body: (class_body (method_definition
  name: (property_identifier) @name body: (_) @body) @method) (#not-eq? @name "constructor"))

(export_statement !source (export_clause (export_specifier name: (identifier) @exported)))
(export_statement value: (identifier) @exported)
(assignment_expression left: (member_expression) @_left
  right: [(identifier) @exported (object [
    (shorthand_property_identifier) @exported (pair value: (identifier) @exported)])]
  (#match? @_left "^(module\\\\.)?exports\\\\b"))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @name) @_left
  right: [(function_expression body: (_) @body) (arrow_function body: (_) @body)]) @function)
  @anchor (#match? @_left "^(module\\\\.)?exports\\\\.|^module\\\\.exports$"))
(program (expression_statement (assignment_expression
  left: (member_expression property: (property_identifier) @name) @_left
  right: (class body: (_) @body)) @class)
  @anchor (#match? @_left "^(module\\\\.)?exports\\\\.|^module\\\\.exports$"))
"""

_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(export_statement declaration: [
  (abstract_class_declaration name: (_) @name body: (_) @body)
  (interface_declaration name: (_) @name body: (_) @body)
  (enum_declaration name: (_) @name body: (_) @body)
  (type_alias_declaration name: (_) @name)] @class) @anchor
(export_statement declaration: (function_signature name: (_) @name) @function) @anchor
(export_statement declaration: (internal_module name: (_) @name body: (_) @body) @module) @anchor
(export_statement declaration: (ambient_declaration [
  (class_declaration name: (_) @name body: (_) @body)
  (abstract_class_declaration name: (_) @name body: (_) @body)
  (interface_declaration name: (_) @name body: (_) @body)
  (enum_declaration name: (_) @name body: (_) @body)
  (type_alias_declaration name: (_) @name)] @class)) @anchor
(export_statement declaration: (ambient_declaration
  (function_signature name: (_) @name) @function)) @anchor
(export_statement declaration: (ambient_declaration (_ (variable_declarator
  name: (identifier) @name) @constant))) @anchor
(export_statement declaration: (ambient_declaration
  (internal_module name: (_) @name body: (_) @body) @module)) @anchor
(program [
  (abstract_class_declaration name: (_) @name body: (_) @body)
  (interface_declaration name: (_) @name body: (_) @body)
  (enum_declaration name: (_) @name body: (_) @body)
  (type_alias_declaration name: (_) @name)] @class @local)
(program (function_signature name: (_) @name) @function @local)
(program (_ (internal_module name: (_) @name body: (_) @body) @module @local) @anchor)
(class_body [
  (method_signature name: (property_identifier) @name)
  (abstract_method_signature name: (property_identifier) @name)] @method
  (#not-eq? @name "constructor"))
(abstract_class_declaration body: (class_body (method_definition
  name: (property_identifier) @name body: (_) @body) @method) (#not-eq? @name "constructor"))
(export_statement "=" (identifier) @exported)
"""
)

_GO = """
(package_clause (package_identifier) @unlisted (#eq? @unlisted "main"))
(function_declaration name: (identifier) @name body: (_)? @body) @function
(method_declaration receiver: (parameter_list (parameter_declaration type: [
  (type_identifier) @owner
  (generic_type type: (type_identifier) @owner)
  (pointer_type [(type_identifier) @owner (generic_type type: (type_identifier) @owner)])]))
  name: (field_identifier) @name body: (_)? @body
  (#match? @owner "^[^a-z_]")
  (#not-match? @name "^(Error|String|Unwrap|Len|Less|Swap)$")) @method
(type_declaration "(" [
  (type_spec name: (_) @name type: [(struct_type) (interface_type)]? @body)
  (type_alias name: (_) @name)] @class)
(type_declaration [
  (type_spec name: (_) @name type: [(struct_type) (interface_type)]? @body)
  (type_alias name: (_) @name)] @class) @anchor
(source_file (const_declaration (const_spec name: (identifier) @name
  value: (_)? @body) @constant) @anchor)
(source_file (var_declaration [
  (var_spec name: (identifier) @name value: (_)? @body) @constant
  (var_spec_list (var_spec name: (identifier) @name value: (_)? @body) @constant)]) @anchor)
"""

_RUST = """
(mod_item name: (_) @name body: (_) @body) @module
[(struct_item name: (_) @name body: (_)? @body)
 (enum_item name: (_) @name body: (_) @body)
 (union_item name: (_) @name body: (_) @body)
 (trait_item name: (_) @name body: (_) @body)
 (type_item name: (_) @name)] @class
(trait_item body: (declaration_list [
  (function_signature_item name: (_) @name)
  (function_item name: (_) @name body: (_) @body)] @method @implied))
(impl_item !trait body: (declaration_list
  (function_item name: (_) @name body: (_) @body) @method))
(impl_item !trait body: (declaration_list
  (const_item name: (_) @name value: (_)? @body) @constant))
(impl_item !trait type: [
  (type_identifier) @name
  (generic_type type: (type_identifier) @name)
  (scoped_type_identifier name: (type_identifier) @name)]) @scope
(function_item name: (_) @name body: (_) @body) @function
[(const_item name: (_) @name value: (_)? @body)
 (static_item name: (_) @name value: (_)? @body)] @constant
"""

_JAVA = """
[(class_declaration name: (_) @name body: (_) @body)
 (interface_declaration name: (_) @name body: (_) @body)
 (enum_declaration name: (_) @name body: (_) @body)
 (record_declaration name: (_) @name body: (_) @body)
 (annotation_type_declaration name: (_) @name body: (_) @body)] @class
(interface_body (method_declaration name: (_) @name body: (_)? @body) @method @implied)
(class_declaration body: (class_body
  (method_declaration name: (_) @name body: (_)? @body) @method))
(record_declaration body: (class_body
  (method_declaration name: (_) @name body: (_)? @body) @method))
(enum_body_declarations (method_declaration name: (_) @name body: (_)? @body) @method)
"""

_SCRIPT_HIDDEN = r"\b(?:private|protected|override)\b|(?<![\w$])[#_][\w$]*$"
_SCRIPT_CONCEALS = r"@(?:internal|private|hidden|ignore)\b"

GRAMMARS = {
    "JavaScript": Grammar(
        package="tree_sitter_javascript",
        query=_JAVASCRIPT,
        hidden=_SCRIPT_HIDDEN,
        documents=r"^/\*\*",
        conceals=_SCRIPT_CONCEALS,
    ),
    **{
        language: Grammar(
            package="tree_sitter_typescript",
            function=function,
            query=_TYPESCRIPT,
            hidden=_SCRIPT_HIDDEN,
            documents=r"^/\*\*",
            conceals=_SCRIPT_CONCEALS,
        )
        for language, function in (("TypeScript", "language_typescript"), ("TSX", "language_tsx"))
    },
    "Go": Grammar(
        package="tree_sitter_go",
        query=_GO,
        shown=r"(?<!\w)[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]\w*$",
        documents=r"^//(?![a-z]+:|nolint|line |export )|^/\*",
        beside=True,
        adjoining=True,
    ),
    "Rust": Grammar(
        package="tree_sitter_rust",
        query=_RUST,
        trivia=("line_comment", "block_comment", "attribute_item"),
        shown=r"\bpub\b(?!\s*\()",
        documents=r"^///(?!/)|^/\*\*(?!\*)|^#\[\s*doc\s*=",
        conceals=r"^#\[\s*(?:doc\s*\(\s*hidden|cfg\s*\(\s*test\b|test\b)",
        inner=r"^//!|^/\*!",
    ),
    "Java": Grammar(
        package="tree_sitter_java",
        query=_JAVA,
        trivia=("line_comment", "block_comment"),
        shown=r"\bpublic\b",
        hidden=r"\bprivate\b|@Override\b",
        documents=r"^/\*\*|^///",
        overloads=True,
    ),
}
PYTHON = Grammar(package="tree_sitter_python")  # only to tell another version from nonsense
