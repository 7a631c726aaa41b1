package worker

import (
	"path/filepath"
	"testing"
)

// What a worker says of its progress comes to what there is: rows, files, and how much of the splits was read.
func TestProgress(t *testing.T) {
	w, dir := begin(t, pair)
	if all := w.Progress(); len(all) != 2 || all[0] != (Progress{Name: t.Name() + "-in", Source: true}) || all[1] != (Progress{Name: t.Name() + "-out"}) {
		t.Errorf("nothing has begun, and it says %+v", all)
	}
	in := inputs(t, dir)
	write(t, filepath.Join(in, "a.csv"), 0, 1000)
	write(t, filepath.Join(in, "b.csv"), 1000, 500)
	for _, c := range []struct{ rows, files int64 }{{1500, 3}, {0, 0}} { // the second run finds everything done
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := w.Progress()
		if len(all) != 2 {
			t.Fatalf("%+v", all)
		}
		source, sink := all[0], all[1]
		if !source.Source || source.Rows != c.rows || source.Total != int64(len("n\n")*2+10*2+90*3+900*4+500*5) || source.Done != source.Total {
			t.Errorf("the source: %+v", source)
		}
		if sink.Source || sink.Rows != c.rows || sink.Files < c.files || sink.Lag != 0 || (sink.Bytes > 0) != (c.rows > 0) || sink.Total != 0 {
			t.Errorf("the sink: %+v", sink)
		}
		var err error
		if w, err = Start(w.Load, w.Log); err != nil {
			t.Fatal(err)
		}
	}
}
