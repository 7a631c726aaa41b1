package files

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Store keeps named objects. It is safe for concurrent use.
//
//  1. Create makes an object whole and durable, or not at all, and never replaces one: ErrExists. After any other error it may
//     stand all the same: Stat tells. ErrDamaged says that it does, and is not what was sent.
//  2. Stat gives an object's metadata, without any where none of ours is on it, and its size; fs.ErrNotExist where nothing stands.
//     With ours it gives StoredSum too, where the store says what it holds.
//  3. List gives the names in prefix's folder that begin with prefix and sort after the name after, in byte order.
type Store interface {
	Create(ctx context.Context, name string, meta map[string]string, body Body) error
	Stat(ctx context.Context, name string) (meta map[string]string, size int64, err error)
	List(ctx context.Context, prefix, after string) iter.Seq2[string, error]
}

// ErrExists says that an object of that name stands already.
var ErrExists = errors.New("it stands already")

// ErrDamaged says that an object was made, and holds other bytes than were sent.
var ErrDamaged = errors.New("it does not hold what was sent")

// Uploaded is how large a Body is that a Store may make visible in several steps, in bytes.
const Uploaded = 2 * Piece

// StoredSum names the CRC32C of an object's bytes, by the store itself, as eight digits in hex.
const StoredSum = "stored-crc32c"

// Body is a whole file on its way into a store. It may be read several times, until Create returns.
type Body interface {
	io.ReaderAt
	Size() int64
	Sums() []uint32 // CRC32C of each Piece
}

// What a Store may offer beyond its contract, found by assertion.
type (
	// Opener is a Store that must be reached before it is used; it is called for each Writer.
	Opener interface {
		Open(ctx context.Context) error
	}
	// Idler is a Store that lets go of connections when the last Writer is closed; it may be opened again.
	Idler interface{ Idle() }
	// Sweeper is a Store where uploads that nobody ended take up room. Sweep ends those whose names begin with prefix and are
	// needless. It is called now and then, beside Create; and for each file above Uploaded that stands, by its whole name: some
	// stores list uploads by no less.
	Sweeper interface {
		Sweep(ctx context.Context, prefix string, needless func(name string) bool) error
	}
	// Checker is a Store that finds out whether it could be used now, as sink.Checked says, for names that begin with prefix.
	Checker interface {
		Check(ctx context.Context, prefix string) error
	}
	// Reader is a Store whose objects can be found and read back; it is not opened for that. Where says which store it is, as text
	// that names may be put after. Walk gives the names that begin with prefix, in folders below too. Read reads an object of so
	// many bytes from its beginning.
	Reader interface {
		Where() string
		Walk(ctx context.Context, prefix string) iter.Seq2[string, error]
		Read(ctx context.Context, name string, size int64) (io.ReadCloser, error)
	}
	// Comparer is a Store that cannot always keep metadata: an object of equal content is our own.
	Comparer interface {
		Same(ctx context.Context, name string, body Body) (bool, error)
	}
)
