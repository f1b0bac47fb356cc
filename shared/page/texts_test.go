package page_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/page"
)

// messages is everything that a language says, by a name.
func messages(t page.Texts) map[string]string {
	all := map[string]string{}
	for group, list := range map[string]map[string]string{
		"reason": t.Reasons, "step": t.Steps, "step is": t.StepIs, "way": t.Ways, "class": t.Class, "why": t.Why, "word": t.Word, "script": t.Script,
		"did": t.Did, "did class": t.DidClass, "refused": t.Refused, "parked": t.Parked,
	} {
		for key, text := range list {
			all[group+" "+key] = text
		}
	}
	for key, state := range t.States {
		all["state "+key], all["text of state "+key] = state.Headline, state.Text
	}
	for key, act := range t.Acts {
		all["act "+key], all["confirm "+key], all["note "+key] = act.Title, act.Confirm, act.Note
	}
	return all
}

var placeholder = regexp.MustCompile(`%[a-z]|\{[a-z]+\}`)

func TestLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	want := messages(page.TextsFor("en"))
	for _, language := range page.Languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			texts := page.TextsFor(language)
			if texts.Lang != language {
				t.Fatalf("the texts are in %q", texts.Lang)
			}
			got, same := messages(texts), 0
			for name, english := range want {
				text, ok := got[name]
				switch {
				case !ok:
					t.Errorf("%s is missing", name)
				case (text == "") != (english == ""):
					t.Errorf("%s is %q, in English %q", name, text, english)
				case !slices.Equal(placeholder.FindAllString(text, -1), placeholder.FindAllString(english, -1)):
					t.Errorf("%s has other placeholders than in English: %q", name, text)
				case strings.TrimSpace(text) != text || strings.Contains(text, "  "):
					t.Errorf("%s has stray spaces: %q", name, text)
				case ending(text) != ending(english):
					t.Errorf("%s ends otherwise than in English: %q", name, text)
				case text == english && english != "":
					same++
				}
			}
			for name := range got {
				if _, ok := want[name]; !ok {
					t.Errorf("%s is not there in English", name)
				}
			}
			if language != "en" && same > 10 { // Code, Software, Machine and the like
				t.Errorf("%d messages are the English ones", same)
			}
		})
	}
}

// ending is how a sentence ends; what is no sentence ends in nothing.
func ending(text string) string {
	for _, mark := range []string{".", "…", "?", ":"} {
		if strings.HasSuffix(text, mark) {
			return mark
		}
	}
	return ""
}

func TestTextsForALocale(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "de": "de", "de-AT": "de", "DE_ch": "de", "es-419": "es", "es": "es", "fr_CA": "fr", "fr": "fr",
		"nl": "en", "den": "en", "x": "en", "-": "en", "zh-Hans-CN": "en", "<script>": "en",
	} {
		if got := page.TextsFor(locale).Lang; got != want {
			t.Errorf("%q: %s, want %s", locale, got, want)
		}
	}
}

// Whatever package lab may say, there are words for it.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	texts := page.TextsFor("en")
	for _, state := range []lab.State{lab.Starting, lab.Building, lab.Ready, lab.Suspended, lab.Resuming, lab.Broken, lab.Gone, lab.InLine} {
		if texts.States[string(state)].Headline == "" || texts.Class[string(state)] == "" {
			t.Errorf("state %s has no words", state)
		}
	}
	reasons := constants(t, "../lab", "Reason")
	for _, reason := range reasons {
		if !strings.HasSuffix(texts.Reasons[reason], ".") || texts.Why[reason] == "" {
			t.Errorf("reason %s has no sentence", reason)
		}
	}
	if len(texts.Reasons) != len(reasons) {
		t.Errorf("%d reasons have words, %d exist", len(texts.Reasons), len(reasons))
	}
	for _, reason := range constants(t, "../lti/outcome/verdict", "Reason") {
		if !strings.HasSuffix(texts.Parked[reason], ".") {
			t.Errorf("grades that are parked as %s have no sentence", reason)
		}
	}
	for _, step := range lab.StepOrder {
		if texts.Steps[string(step)] == "" {
			t.Errorf("step %s has no words", step)
		}
	}
	for _, state := range []lab.StepState{lab.Waiting, lab.Active, lab.Done, lab.Failed} {
		if texts.StepIs[string(state)] == "" {
			t.Errorf("step state %s has no words", state)
		}
	}
	for _, kind := range []lab.Kind{lab.URL, lab.SSH, lab.Console} {
		if texts.Ways[string(kind)] == "" {
			t.Errorf("way %s has no words", kind)
		}
	}
	for _, act := range constants(t, "../lab", "Act") {
		if texts.Acts[act].Title == "" || texts.Did[act] == "" {
			t.Errorf("act %s has no words", act)
		}
	}
}

// English sentences come with the refusal; every other language needs one for every code that a learner may see.
func TestEveryRefusalIsTranslated(t *testing.T) {
	t.Parallel()
	codes := constants(t, "../lti", "Code")
	if len(codes) < 16 {
		t.Fatalf("only %d codes in shared/lti: %q", len(codes), codes)
	}
	codes = append(codes, constants(t, "../lti/registration", "Code")...)
	codes = append(codes, keys(t, "../../functions/launch-lab/launchlab", "refusals")...)
	for _, folder := range []string{"../lab/keeper", "../../functions/view-lab/viewlab", "../../functions/launch-lab/launchlab"} {
		codes = append(codes, literals(t, folder)...)
	}
	for _, code := range []string{"unavailable", "busy", "gone", "forbidden", "refused", "quota", "conflict", "broken"} {
		codes = append(codes, "cloud_"+code)
	}
	codes = append(codes, string(lab.LabClosed), string(lab.BudgetSpent)) // keeper.refused
	for _, language := range page.Languages() {
		texts := page.TextsFor(language)
		if language == "en" {
			if len(texts.Problems) != 0 {
				t.Errorf("English has sentences of its own: %v", texts.Problems)
			}
			continue
		}
		for _, code := range codes {
			if !strings.HasSuffix(texts.Problems[code], ".") {
				t.Errorf("%s has no sentence for %s", language, code)
			}
		}
		if len(texts.Problems) != len(page.TextsFor("de").Problems) {
			t.Errorf("%s translates %d refusals, German %d", language, len(texts.Problems), len(page.TextsFor("de").Problems))
		}
	}
}

// parse reads the files of a folder that are no tests.
func parse(t *testing.T, folder string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// constants are the values of the constants that a package declares of a type.
func constants(t *testing.T, folder, typ string) []string {
	t.Helper()
	var list []string
	for _, file := range parse(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
				for _, value := range spec.Values {
					list = append(list, unquote(value)...)
				}
			}
			return true
		})
	}
	return list
}

// literals are the codes that a package gives its problems.
func literals(t *testing.T, folder string) []string {
	t.Helper()
	var list []string
	for _, file := range parse(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Code" {
				list = append(list, unquote(pair.Value)...)
			}
			return true
		})
	}
	return list
}

// keys are the keys of a map that a package declares.
func keys(t *testing.T, folder, name string) []string {
	t.Helper()
	var list []string
	for _, file := range parse(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != name || len(spec.Values) == 0 {
				return true
			}
			if table, ok := spec.Values[0].(*ast.CompositeLit); ok {
				for _, element := range table.Elts {
					if pair, ok := element.(*ast.KeyValueExpr); ok {
						list = append(list, unquote(pair.Key)...)
					}
				}
			}
			return false
		})
	}
	return list
}

func unquote(e ast.Expr) []string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return nil
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		return nil
	}
	return []string{text}
}

func TestTimeInWords(t *testing.T) {
	t.Parallel()
	for language, cases := range map[string]map[time.Duration]string{
		"en": {
			0: "", -time.Second: "", 3 * time.Second: "A few seconds left", 11 * time.Second: "About 15 seconds left", 90 * time.Second: "About 90 seconds left",
			100 * time.Second: "About 2 minutes left", 20 * time.Minute: "About 20 minutes left", 61 * time.Minute: "About 1 hour 1 minute left",
		},
		"de": {3 * time.Second: "Noch ein paar Sekunden", 20 * time.Minute: "Noch etwa 20 Minuten"},
		"fr": {3 * time.Second: "Encore quelques secondes", 20 * time.Minute: "Encore environ 20 minutes"},
		"es": {3 * time.Second: "Faltan unos segundos", 2 * time.Hour: "Tiempo restante: alrededor de 2 horas"},
	} {
		for d, want := range cases {
			if got := page.TextsFor(language).Left(d); got != want {
				t.Errorf("%s, %s left: %q, want %q", language, d, got, want)
			}
		}
	}
	for _, c := range []struct {
		language          string
		elapsed, expected time.Duration
		want              string
	}{
		{"en", 0, 0, ""},
		{"en", 0, 170 * time.Second, "Labs like this one usually take about 3 minutes"},
		{"en", 45 * time.Second, 0, "40 seconds so far"},
		{"en", 125 * time.Second, 170 * time.Second, "2 minutes so far; labs like this one usually take about 3 minutes"},
		{"en", 60 * time.Second, 42 * time.Second, "1 minute so far; labs like this one usually take about 40 seconds"},
		{"de", 125 * time.Second, 170 * time.Second, "Bisher 2 Minuten; solche Labore brauchen meist etwa 3 Minuten"},
		{"fr", 125 * time.Second, 61 * time.Second, "2 minutes jusqu’ici\u00a0; un laboratoire comme celui-ci prend en général environ 1 minute"},
		{"es", 125 * time.Second, 2 * time.Second, "2 minutos hasta ahora; un laboratorio así suele tardar alrededor de 10 segundos"},
	} {
		if got := page.TextsFor(c.language).Pace(c.elapsed, c.expected); got != c.want {
			t.Errorf("%s: %q, want %q", c.language, got, c.want)
		}
	}
	at := time.Date(2026, 3, 9, 7, 5, 0, 0, time.FixedZone("", 3600))
	for language, want := range map[string]string{
		"en": "9 March, 06:05 UTC", "de": "9. März, 06:05 Uhr UTC", "fr": "9 mars à 06:05 UTC", "es": "9 de marzo, 06:05 UTC",
	} {
		if got := page.TextsFor(language).At(at); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	if got := page.TextsFor("en").Notice("end", 3, 2, 1); got != "Ended: 3. Not yet done: 2. Press the button again for these. Not possible in their present state: 1." {
		t.Errorf("notice %q", got)
	}
	if got := page.TextsFor("en").About(3*time.Minute + 5*time.Second); got != "about 3 minutes" {
		t.Errorf("about %q", got)
	}
}
