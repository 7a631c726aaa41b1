package worker

import "github.com/penstock/penstock/connector"

// Progress is how far one connector has come since the process began.
type Progress struct {
	Name   string
	Source bool // it fills a topic; otherwise it empties some
	connector.Progress
}

// Progress tells of each connector, in the file's order.
func (w *Worker) Progress() (all []Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range w.names {
		p := Progress{Name: name, Source: w.sources[name]}
		if run := w.runs[name]; run != nil {
			p.Progress = run.Progress()
		}
		all = append(all, p)
	}
	return all
}
