// Package heattemplates holds the Heat templates of Stackhook and reads them, and an operator's own, into the shape
// Heat's API wants: one text and one flat map of the files it refers to.
//
// Heat's engine never sees a file system: python-heatclient reads get_file and nested types on the client's side, and
// gophercloud does the same with an HTTP client that also opens file:// URLs. Stackhook does neither. A template may
// name only files inside the tree it came from; absolute paths, URLs and names that climb out are refused.
//
// A file is known to Heat under the very words the template uses (heat/engine/hot/functions.py GetFile,
// heat/engine/resources/template_resource.py). So two templates of one stack that use the same words for different
// files cannot be sent, and are refused here.
//
// README.md beside this file is the contract of parameters and outputs between templates and functions.
package heattemplates
