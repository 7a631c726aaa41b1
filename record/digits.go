package record

// EightDigits is the number whose decimal digits, the first one lowest, the bytes of x are: 0 to 9, not their characters.
func EightDigits(x uint64) uint64 {
	x = x*10 + x>>8
	return (x&0x000000ff000000ff*0x000f424000000064 + x>>16&0x000000ff000000ff*0x0000271000000001) >> 32
}
