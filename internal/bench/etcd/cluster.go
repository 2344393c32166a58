package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

const nodes = 3

// cluster is an etcd cluster whose nodes share this process, with one client for each node.
type cluster struct {
	nodes   []*embed.Etcd
	clients []*clientv3.Client
}

// start starts the nodes and waits until they have a leader. Every put is synced to disk by a majority, which is etcd's
// default.
//
// The nodes run until the process ends: to stop one properly takes seconds, as each tries to hand its office on.
func start(ctx context.Context, dir string) (*cluster, error) {
	c := &cluster{}
	urls, err := freeURLs(ctx, 2*nodes)
	if err != nil {
		return nil, err
	}
	var members []string
	for i := range nodes {
		members = append(members, fmt.Sprintf("node-%d=%s", i+1, urls[2*i].String()))
	}
	for i := range nodes {
		cfg := embed.NewConfig()
		cfg.Name = fmt.Sprintf("node-%d", i+1)
		cfg.Dir = filepath.Join(dir, cfg.Name)
		cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = urls[2*i:2*i+1], urls[2*i:2*i+1]
		cfg.ListenClientUrls, cfg.AdvertiseClientUrls = urls[2*i+1:2*i+2], urls[2*i+1:2*i+2]
		cfg.InitialCluster, cfg.InitialClusterToken = strings.Join(members, ","), "bench"
		cfg.LogLevel, cfg.LogOutputs = "error", []string{"stderr"}
		node, err := embed.StartEtcd(cfg)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
		}
		c.nodes = append(c.nodes, node)
	}
	for i, node := range c.nodes {
		select {
		case <-node.Server.ReadyNotify():
		case err := <-node.Err():
			return nil, fmt.Errorf("%s: %w", node.Config().Name, err)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{urls[2*i+1].String()}, Context: ctx})
		if err != nil {
			return nil, err
		}
		c.clients = append(c.clients, client)
	}
	return c, nil
}

// freeURLs finds free ports on loopback. All are taken at once, so that none is given twice, and then let go.
func freeURLs(ctx context.Context, n int) (urls []url.URL, err error) {
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		urls = append(urls, url.URL{Scheme: "http", Host: l.Addr().String()})
	}
	return urls, nil
}

// put stores a value under the caller's own key, at the caller's own node.
func (c *cluster) put(ctx context.Context, caller int, value string) error {
	_, err := c.clients[caller%nodes].Put(ctx, key(caller), value)
	return err
}

func key(caller int) string { return fmt.Sprintf("customer-%d", caller+1) }

// verify holds the cluster to the puts that were acknowledged: each made one revision, at every node.
func (c *cluster) verify(ctx context.Context, puts int) error {
	for i, client := range c.clients {
		r, err := client.Get(ctx, key(0))
		if err != nil {
			return err
		}
		if made := int(r.Header.Revision) - 1; made != puts {
			return fmt.Errorf("node-%d has %d revisions, and %d puts were acknowledged", i+1, made, puts)
		}
	}
	return nil
}
