package scenario

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads the plain part of YAML that a scenario needs: block and flow style, scalars, one document.
func parseYAML(file, text string) (root *node, perr *Error) {
	// The YAML library panics on some malformed input; for our user that is a malformed file.
	defer func() {
		if r := recover(); r != nil {
			root, perr = nil, &Error{File: file, Problem: "the file is not valid YAML", Value: fmt.Sprint(r), Remedy: "compare it with the files in examples"}
		}
	}()
	tokens := lexer.Tokenize(text)
	if perr := checkTokens(file, tokens); perr != nil {
		return nil, perr
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlError(file, err)
	}
	y := yamlReader{file: file}
	for _, doc := range f.Docs {
		if doc == nil || doc.Body == nil {
			continue
		}
		n, perr := y.node(doc.Body, position{1, 1}, 0)
		if perr != nil {
			return nil, perr
		}
		if root != nil {
			return nil, &Error{File: file, Line: n.line, Column: n.column, Problem: "a second document begins here", Remedy: "keep one scenario in a file"}
		}
		root = n
	}
	if root == nil {
		return nil, emptyError(file)
	}
	return root, nil
}

// yamlError turns an error of the YAML library into ours.
func yamlError(file string, err error) *Error {
	e := &Error{File: file, Problem: "the file is not valid YAML", Remedy: "check indentation, colons and brackets around here"}
	var at interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &at) {
		e.Err = err
		return e
	}
	e.Value = at.GetMessage()
	if tk := at.GetToken(); tk != nil && tk.Position != nil {
		e.Line, e.Column = tk.Position.Line, tk.Position.Column
	}
	return e
}

// checkTokens refuses, before the recursive parser sees them, what a scenario does not need and what could nest without
// bound.
func checkTokens(file string, tokens token.Tokens) *Error {
	y := yamlReader{file: file}
	depth, line, dashes := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position != nil && tk.Position.Line != line {
			line, dashes = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType, token.MappingKeyType:
			return y.fail(tk, "anchors, aliases, tags, directives and \"? \" keys are not read here", tk.Value, "write the value out, or in quotes if it is a text")
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			dashes++
		case token.InvalidType:
			return y.fail(tk, "the file is not valid YAML", strings.TrimSpace(tk.Error), "check indentation, quotes and brackets around here")
		}
		if depth > maxDepth || dashes > maxDepth {
			return y.fail(tk, fmt.Sprintf("lists and mappings are nested more than %d deep", maxDepth), "", "a scenario needs five levels at most")
		}
	}
	return nil
}

type yamlReader struct{ file string }

func (y yamlReader) fail(tk *token.Token, problem, value, remedy string) *Error {
	at := tokenPosition(tk, position{})
	return &Error{File: y.file, Line: at.line, Column: at.column, Problem: problem, Value: value, Remedy: remedy}
}

// tokenPosition is where tk stands, or fallback for the tokens that the library makes up, such as an implicit null.
func tokenPosition(tk *token.Token, fallback position) position {
	if tk == nil || tk.Position == nil || tk.Position.Line < 1 || tk.Type == token.ImplicitNullType {
		return fallback
	}
	return position{tk.Position.Line, max(1, tk.Position.Column)}
}

// node turns a YAML node into ours; near is the place to name where the node has none of its own.
func (y yamlReader) node(n ast.Node, near position, depth int) (*node, *Error) {
	if n == nil {
		return &node{position: near, kind: kindNull}, nil
	}
	if depth > maxDepth {
		return nil, y.fail(n.GetToken(), fmt.Sprintf("lists and mappings are nested more than %d deep", maxDepth), "", "a scenario needs five levels at most")
	}
	out := &node{position: tokenPosition(n.GetToken(), near)}
	switch n := n.(type) {
	case *ast.MappingNode:
		return y.mapping(out, n.Values, depth)
	case *ast.MappingValueNode:
		return y.mapping(out, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.kind = kindList
		for _, v := range n.Values {
			item, perr := y.node(v, out.position, depth+1)
			if perr != nil {
				return nil, perr
			}
			out.items = append(out.items, item)
		}
		return out, nil
	case *ast.NullNode:
		out.kind = kindNull
	case *ast.BoolNode:
		out.kind, out.text = kindBool, n.Token.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = kindNumber, n.GetToken().Value
	case *ast.StringNode:
		out.kind, out.text = kindString, n.Value
		if n.Token.Type == token.StringType && strings.ContainsAny(n.Value, "0123456789") && strings.Trim(strings.TrimLeft(n.Value, "+-"), "0123456789") == "" {
			out.kind = kindNumber // too large for the library, which then takes it for a text
		}
	case *ast.LiteralNode:
		out.kind, out.text = kindString, n.Value.Value
	default:
		return nil, y.fail(n.GetToken(), "this part of YAML is not read here", n.Type().String(), "write plain lists, mappings and values")
	}
	return out, nil
}

func (y yamlReader) mapping(out *node, values []*ast.MappingValueNode, depth int) (*node, *Error) {
	out.kind = kindObject
	for i, v := range values {
		f := field{position: tokenPosition(v.Key.GetToken(), out.position), key: strings.TrimSpace(v.Key.GetToken().Value)}
		if i == 0 && !v.IsFlowStyle {
			// The library places a block mapping at a colon; the first key is what a reader looks for.
			out.position = f.position
		}
		value, perr := y.node(v.Value, f.position, depth+1)
		if perr != nil {
			return nil, perr
		}
		f.value = value
		out.fields = append(out.fields, f)
	}
	return out, nil
}
