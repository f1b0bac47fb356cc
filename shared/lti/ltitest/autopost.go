package ltitest

import "html/template"

// autoPost is the page between platform and tool: it posts itself by script, or by its button where there is none.
var autoPost = template.Must(template.New("post").Parse(`<!DOCTYPE html>
<html lang="en">
<title>To the lab</title>
<form method="post" action="{{.Action}}">
{{range .Fields}}<input type="hidden" name="{{index . 0}}" value="{{index . 1}}">
{{end}}<button>Continue to the lab</button>
</form>
<script>document.forms[0].submit()</script>
</html>
`))
