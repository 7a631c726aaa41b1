package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"gopkg.in/yaml.v3"
)

// Mask gives a text as it may be printed: the secrets of every file that was read with this registry are replaced, by the file's
// text for them where they came from outside, and by *** where they stood in the file.
//
// A secret is the value of an option, or of a key of a mapping, whose tag or name says so; what comes from another file, or from
// a variable whose name says so, into an option that does not decide names; and what stands before the @ of a URL. What is shorter than
// four bytes cannot be told from ordinary words, and is left. Mask is safe for concurrent use, also beside Decode.
func (r *Registry) Mask(text string) string {
	if all := r.hidden.replacer.Load(); all != nil {
		return all.Replace(text)
	}
	return text
}

// vault keeps what is never to be printed.
type vault struct {
	mu       sync.Mutex
	all      map[string]string // what is printed in its place
	replacer atomic.Pointer[strings.Replacer]
}

// leastSecret is how many bytes a secret has at least.
const leastSecret = 4

func (v *vault) add(secret, shown string) {
	if len(secret) < leastSecret {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.all[secret]; known {
		return
	}
	if v.all == nil {
		v.all = map[string]string{}
	}
	v.all[secret] = shown
	forms := map[string]string{}
	for secret, shown := range v.all {
		for _, form := range spellings(secret) {
			forms[form] = shown
		}
	}
	var pairs []string // the first that fits counts
	for _, form := range longestFirst(forms) {
		pairs = append(pairs, form, forms[form])
	}
	v.replacer.Store(strings.NewReplacer(pairs...))
}

// spellings are how a text may stand in errors, logs and JSON.
func spellings(text string) []string {
	quoted := strconv.Quote(text)
	ascii := strconv.QuoteToASCII(text)
	all := []string{text, quoted[1 : len(quoted)-1], ascii[1 : len(ascii)-1], url.QueryEscape(text), url.PathEscape(text), url.User(text).String()}
	for _, text := range all { // each of them in JSON, as on a page
		if b, err := json.Marshal(text); err == nil {
			all = append(all, string(b[1:len(b)-1]))
		}
	}
	return all
}

func longestFirst[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

var (
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|jaas|authorization|(api|access|private|signing|account|shared).?key|key\.pem`)
	plainName  = regexp.MustCompile(`(?i)(url|uri|endpoint|location|path|file|dir|id|name|method|type|algorithm|scope|ms|seconds)$`) // of what is about a secret, and is none
	userOfURL  = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#\s]*)@`)
)

// secretive tells whether a name says that its value is a secret.
func secretive(name string) bool { return secretName.MatchString(name) && !plainName.MatchString(name) }

// userinfo is what stands before the @ of URLs: a password, or a user without one, which is a token.
func userinfo(value string) (secrets []string) {
	for _, m := range userOfURL.FindAllStringSubmatch(value, -1) {
		user, password, two := strings.Cut(m[1], ":")
		if two {
			user = password
		}
		if plain, err := url.PathUnescape(user); err == nil && plain != user {
			secrets = append(secrets, plain)
		}
		if user != "" {
			secrets = append(secrets, user)
		}
	}
	return secrets
}

// guarding is what holds for the option in hand.
type guarding struct {
	secret bool
	names  bool // it decides names, rows or verdicts: its value is kept with the layout
}

// about begins an option, or what a key names; what it returns ends it.
func (d *decoder) about(p place, secret, unlaid bool) (end func()) {
	was := d.guarding
	d.secret, d.names = d.secret || secret, d.names && !unlaid
	if d.secret && !was.secret && p.node != nil {
		d.hideText(p, p.node)
	}
	return func() { d.guarding = was }
}

// hideText remembers what the file itself holds where a secret is to stand: it is not to be printed either.
func (d *decoder) hideText(at place, n *yaml.Node) {
	for _, c := range n.Content {
		d.hideText(at, resolve(c))
	}
	if n.Kind != yaml.ScalarNode || n.Value == "" || isNull(n) {
		return
	}
	if !strings.Contains(n.Value, "${") {
		d.literal(at, n.Value)
	}
	for _, m := range byDefault.FindAllStringSubmatch(n.Value, -1) {
		d.literal(at, m[1])
	}
}

var byDefault = regexp.MustCompile(`\$\{env:[^:}]*:([^}]+)\}`)

const masked = "***"

func (d *decoder) literal(at place, value string) {
	d.literals[value] = masked
	d.r.hidden.add(value, masked)
	if d.sheet != nil {
		d.sheet.literals = append(d.sheet.literals, Problem{d.name, at.line, at.path, errLiteral})
	}
}

var (
	errLiteral = errors.New(`a secret stands in the file; write "${env:NAME}" or "${file:path}" in its place`)
	errLaid    = errors.New("holds a secret, and decides names: it would be kept in the state topic for everybody to read; put the secret into an option that does not")
)

// note is told of everything that comes from outside.
func (d *decoder) note(found, kind, name string) {
	shown := "${" + kind + ":" + name + "}"
	d.secrets[found] = shown
	if d.secret || !d.names && (kind == "file" || secretive(name)) {
		d.r.hidden.add(found, shown)
	}
}

// hide remembers the secrets in a value that the file wrote as raw, and refuses those that would be kept with the layout.
func (d *decoder) hide(at place, value, raw string) {
	users := userinfo(value)
	for _, secret := range users {
		if strings.Contains(raw, secret) {
			d.literal(at, secret)
		} else {
			d.r.hidden.add(secret, cmp.Or(d.secrets[secret], masked))
		}
	}
	if d.names && (d.secret || len(users) > 0) {
		d.add(at, errLaid)
	}
	if d.secret && value != raw {
		d.r.hidden.add(value, cmp.Or(d.secrets[value], masked))
	}
}
