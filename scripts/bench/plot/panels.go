package plot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

const labels = 78 // room for words left of a panel's axis

// coldStarts has a line for each function and a dot for each runtime: the median, with a bar to the 95th percentile.
func coldStarts(c *canvas, s report.Section) {
	c.title("Cold start", "program start to first good answer; median, bar to p95")
	functions, names := grouped(s, "p95")
	var values []float64
	for _, rows := range functions {
		for _, row := range rows {
			values = append(values, value(row, "median"), min(value(row, "p95"), 3*value(row, "median")))
		}
	}
	limit := limitOf(s, "median")
	x := over(append(values, limit), float64(c.left+labels), float64(c.left+panelWidth-10), false)
	c.upright(x)
	if limit > 0 {
		c.line("limit", x.at(limit), top, x.at(limit), bottom)
		c.label("small wrong mid", x.at(limit), top-6, "limit "+milliseconds(limit))
	}
	step := float64(bottom-top) / float64(max(len(names), 1))
	for i, name := range names {
		y := top + step*float64(i)
		c.label("end", float64(c.left+labels-8), y+step/2+4, name)
		rows := functions[name]
		for n, row := range rows {
			at := y + step*(float64(n)+1)/(float64(len(rows))+1)
			c.line("range c"+strconv.Itoa(n%6), x.at(value(row, "median")), at, x.at(min(value(row, "p95"), x.high)), at)
			c.dot(n%6, x.at(value(row, "median")), at, row.Name+": "+milliseconds(value(row, "median")))
		}
	}
	if len(names) > 0 {
		c.legend(runtimesOf(functions[names[0]]))
	}
}

// growth has time over labs, both by powers of ten: a straight line that rises as the grid does is growth in proportion.
func growth(c *canvas, s report.Section) {
	c.title("Growth with the number of labs", "a pass of tend-labs, a launch; powers of ten")
	var labs, times []float64
	rows := slices.DeleteFunc(slices.Clone(s.Rows), func(r report.Row) bool { return strings.Contains(r.Name, ",") })
	for _, row := range rows {
		labs = append(labs, leading(row.Name))
		times = append(times, value(row, "pass"), value(row, "launch"))
	}
	if len(rows) == 0 {
		return
	}
	x := over(labs, float64(c.left+labels-20), float64(c.left+panelWidth-14), true)
	c.lines(x, over(times, bottom, top, true), labs, []series{{"pass of tend-labs", 0, column(rows, "pass")}, {"a newcomer's launch", 1, column(rows, "launch")}}, "labs")
}

// answers has how long answers take by how long OpenStack takes for its own.
func answers(c *canvas, s report.Section) {
	c.title("Answers from slow clouds", "99th percentile, by the time of each OpenStack reply")
	kinds, names := grouped(s, "p99")
	var delays, times []float64
	var all []series
	for i, name := range names {
		delays = nil
		for _, row := range kinds[name] {
			delays = append(delays, leading(row.Name[strings.LastIndex(row.Name, "/")+1:]))
			times = append(times, value(row, "p99"))
		}
		all = append(all, series{name, i, column(kinds[name], "p99")})
	}
	if len(all) == 0 {
		return
	}
	limit := limitOf(s, "p99")
	x := over(delays, float64(c.left+labels-20), float64(c.left+panelWidth-14), false)
	y := over(append(times, limit), bottom, top, false)
	c.lines(x, y, delays, all, "ms")
	if limit > 0 {
		c.line("limit", x.from, y.at(limit), x.to, y.at(limit))
		c.label("small wrong", x.from+6, y.at(limit)+14, "limit "+milliseconds(limit))
	}
}

// grouped are the rows that have the figure, by their name's part before the last slash, and those parts in order.
func grouped(s report.Section, figure string) (groups map[string][]report.Row, order []string) {
	groups = map[string][]report.Row{}
	for _, row := range s.Rows {
		i := strings.LastIndex(row.Name, "/")
		if _, ok := row.Figure(figure); !ok || i < 0 || strings.Contains(row.Name, ", warm/") {
			continue
		}
		name := row.Name[:i]
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], row)
	}
	return groups, order
}

func value(row report.Row, name string) float64 {
	f, _ := row.Figure(name)
	return f.Value
}

func column(rows []report.Row, name string) []float64 {
	var list []float64
	for _, row := range rows {
		list = append(list, value(row, name))
	}
	return list
}

// limitOf is the first limit in a column; 0 without any.
func limitOf(s report.Section, name string) float64 {
	for _, row := range s.Rows {
		if f, _ := row.Figure(name); f.Limit != nil {
			return f.Limit.Bound
		}
	}
	return 0
}

func runtimesOf(rows []report.Row) []string {
	var names []string
	for _, row := range rows {
		names = append(names, row.Name[strings.LastIndex(row.Name, "/")+1:])
	}
	return names
}

// leading is the number that a text begins with.
func leading(text string) float64 {
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	n, _ := strconv.ParseFloat(digits, 64)
	return n
}
