package cmd

import (
	"os"
	"strings"
)

// isolate takes from this process's environment all that could lead an AWS client past the embedded parts: credentials, profiles,
// endpoints, files. What it returns looks variables up as they were.
func isolate() func(name string) (string, bool) {
	before := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		before[name] = value
		if strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "dev", "AWS_SECRET_ACCESS_KEY": "dev", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		os.Setenv(name, value)
	}
	return func(name string) (string, bool) { value, ok := before[name]; return value, ok }
}
