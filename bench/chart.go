package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	blue = color.RGBA{31, 111, 180, 255}
	grey = color.RGBA{160, 160, 160, 255}
)

// bars is rows a second of every case, the fastest on top of the page.
func (r report) bars(file string) error {
	p := plot.New()
	p.Title.Text = "Thousands of rows a second, whole processes; grey: not penstock"
	p.X.Min = 0
	var ours, loops plotter.Values
	var names []string
	for i := len(r.results) - 1; i >= 0; i-- {
		x := r.results[i]
		rate := x.median().rate() / 1000
		names = append(names, x.name+strings.Repeat(" ", 3+len(x.name)/2)) // where the viewer's font is a wider one
		if x.bar == (bar{}) {
			ours, loops = append(ours, 0), append(loops, rate)
		} else {
			ours, loops = append(ours, rate), append(loops, 0)
		}
	}
	for _, set := range []struct {
		values plotter.Values
		color  color.Color
	}{{ours, blue}, {loops, grey}} {
		b, err := plotter.NewBarChart(set.values, vg.Points(10))
		if err != nil {
			return err
		}
		b.Horizontal, b.Color, b.LineStyle.Width = true, set.color, 0
		p.Add(b)
	}
	p.NominalY(names...)
	return save(p, 24*vg.Centimeter, vg.Length(len(names)+3)*.65*vg.Centimeter, file)
}

// save leaves room around a chart: viewers have other fonts than the one that its labels were measured in.
func save(p *plot.Plot, width, height vg.Length, file string) error {
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = vg.Points(9), vg.Points(9)
	p.X.Max *= 1.02
	c := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(c), 50, -30, 6, -6))
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(out)
	return errors.Join(err, out.Close())
}

// chart draws a growth: rows, or bytes, a second, and CPU for each, over what grows, as parts of the best.
func (g grown) chart(file string) error {
	p := plot.New()
	p.Title.Text = g.name
	p.X.Label.Text = g.unit
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(g.ticks)
	p.Y.Label.Text, p.Y.Min = g.label(), 0
	rates := make(plotter.XYs, len(g.points))
	for i, at := range g.points {
		rates[i].X, rates[i].Y = float64(at.n), g.speed(at)
		p.Y.Max = max(p.Y.Max, rates[i].Y*1.1)
	}
	line, dots, err := plotter.NewLinePoints(rates)
	if err != nil {
		return err
	}
	line.Color, dots.Color, line.Width = blue, blue, vg.Points(1.5)
	p.Add(plotter.NewGrid(), line, dots)
	return save(p, 16*vg.Centimeter, 8*vg.Centimeter, file)
}

func (g grown) label() string {
	if g.bytes {
		return "MB/s"
	}
	return "thousands of rows/s"
}

func (g grown) speed(at point) float64 {
	if g.bytes {
		return at.megabytes()
	}
	return at.rate() / 1000
}

func (g grown) ticks(float64, float64) (ticks []plot.Tick) {
	for _, at := range g.points {
		ticks = append(ticks, plot.Tick{Value: float64(at.n), Label: humanize.Comma(int64(at.n))})
	}
	return ticks
}

// table is a growth as Markdown.
func (g grown) table() string {
	text := fmt.Sprintf("| %s | rows/s | MB/s | CPU µs/row | CPU ns/byte | peak MB |\n|--:|--:|--:|--:|--:|--:|\n", g.unit)
	for _, at := range g.points {
		text += fmt.Sprintf("| %s | %s | %.0f | %.2f | %.1f | %.0f |\n", humanize.Comma(int64(at.n)), humanize.Comma(int64(at.rate())), at.megabytes(), at.cpuPerRow(),
			at.CPU.Seconds()*1e9/float64(max(1, at.Bytes)), float64(at.Peak)/1e6)
	}
	return text
}
