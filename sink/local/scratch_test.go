package local

import (
	"os"
	"testing"
)

// TestNobodyElseSeesScratch: what is not whole yet stands where only its maker can look, whatever its own rights will be.
func TestNobodyElseSeesScratch(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := newScratch(root)
	if err != nil {
		t.Fatal(err)
	}
	info, err := root.Stat(scratchDir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the scratch folder is %v, %v", info.Mode(), err)
	}
	f.remove(root)
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		t.Errorf("left: %v, %v", there, err)
	}
}
