// Does in Go what loop.mjs does in Node.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"goredis"

	"github.com/redis/go-redis/v9"
)

func main() {
	ctx := context.Background()
	agent, token, name := os.Getenv("AGENT_URL"), os.Getenv("AGENT_TOKEN"), os.Getenv("SECRET_NAME")
	address, err := goredis.ReadSecret(ctx, agent, token, name)
	if err != nil {
		panic(err)
	}
	password := &goredis.RotatingPassword{Read: func(ctx context.Context) (goredis.Secret, error) {
		say("read")
		return goredis.ReadSecret(ctx, agent, token, name)
	}}
	command := func(run func() error) error {
		return goredis.WhileRefused(ctx, password, func() error {
			err := run()
			if err != nil && goredis.IsRefusal(err) {
				say("refused")
			}
			return err
		})
	}

	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended.Store(true)
	}()
	client := goredis.Connect(password, address)
	for !ended.Load() {
		attempt(func() error {
			if err := command(func() error { return client.Set(ctx, "turn", "1", 0).Err() }); err != nil {
				return err
			}
			return command(func() error { return client.Get(ctx, "turn").Err() })
		})
		attempt(func() error {
			fresh := goredis.Connect(password, address)
			defer func(c *redis.Client) { _ = c.Close() }(fresh)
			return command(func() error { return fresh.Ping(ctx).Err() })
		})
		time.Sleep(20 * time.Millisecond)
	}
}

func attempt(commands func() error) {
	if err := commands(); err != nil {
		say(fmt.Sprintf("failed: %.60s", err))
		return
	}
	say("done")
}

func say(word string) {
	fmt.Println(word)
}
